// Package awsdoctor asks AWS whether what a program is about to do there would work: who it is, whether things are there and
// in which state, and whether it may use them. Each finding that is bad names the missing permission and what to do. What
// it changes it changes back: it puts one small object and removes it.
package awsdoctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Finding is one thing that was checked.
type Finding struct {
	Check  string
	OK     bool
	Detail string
	Do     string // what to do about it, when it is not OK
}

// good is a finding that is well.
func good(check, format string, args ...any) Finding {
	return Finding{Check: check, OK: true, Detail: fmt.Sprintf(format, args...)}
}

// bad is a finding about a call that failed: permission is what IAM calls it, on what it was made.
func bad(check, permission, on string, err error) Finding {
	return Finding{Check: check, Detail: brief(err), Do: remedy(permission, on, err)}
}

// brief is an error without what AWS's client puts around it.
func brief(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return strings.TrimSuffix(api.ErrorCode()+": "+api.ErrorMessage(), ": ")
	}
	return err.Error()
}

// remedy tells what helps against an error.
func remedy(permission, on string, err error) string {
	code := ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = api.ErrorCode()
	}
	switch code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "KMSAccessDeniedException":
		return fmt.Sprintf("allow %s on %s to this identity", permission, on)
	case "ResourceNotFoundException", "NoSuchBucket", "NotFound":
		return fmt.Sprintf("make %s, or mend its name, region or account in the URL", on)
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidAccessKeyId":
		return "the credentials are expired or wrong: sign in again, or check the clock"
	case "":
		return "check the region, the endpoint, and the way through the network to AWS"
	default:
		return fmt.Sprintf("see the message; the call needs %s on %s", permission, on)
	}
}

// Identity tells whose credentials are found, and where.
func Identity(ctx context.Context, config aws.Config) Finding {
	const check = "aws identity"
	found, err := config.Credentials.Retrieve(ctx)
	if err != nil {
		return Finding{
			Check: check, Detail: "no credentials: " + err.Error(),
			Do: "give the task or machine a role, set AWS_PROFILE, or sign in with aws sso login",
		}
	}
	if config.BaseEndpoint != nil {
		return good(check, "credentials from %s; the endpoint %s is not AWS's, and was not asked whose they are", found.Source, *config.BaseEndpoint)
	}
	out, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return bad(check, "sts:GetCallerIdentity", "*", err)
	}
	return good(check, "%s, from %s, in %s", aws.ToString(out.Arn), found.Source, config.Region)
}
