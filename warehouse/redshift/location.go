package redshift

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/jackc/pgx/v5"

	"github.com/spoorhq/spoor/internal/awsconf"
)

// location is what a URL says.
type location struct {
	server string // as pgsql.Config takes it
	schema string
	bucket string
	prefix string // empty, or ends with a stroke
	role   string // an ARN, several with commas, or "default"
	keep   bool   // staged files of what was committed stay
	aws    awsconf.Options

	auth         string // password or iam
	authEndpoint string
	cluster      string
	workgroup    string
	named        bool // the URL names a user
	database     string
}

const form = "a Redshift URL must be redshift://user@host:5439/database?staging=s3://bucket/prefix&iam_role=ARN"

// parseLocation reads a URL. What it does not know itself is PostgreSQL's, such as sslmode.
func parseLocation(text string) (location, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "redshift" || u.Hostname() == "" || strings.Trim(u.Path, "/") == "" {
		return location{}, errors.New(form) // the URL's own error would show the password
	}
	query := u.Query()
	take := func(name string) string {
		value := query.Get(name)
		query.Del(name)
		return value
	}
	l := location{named: u.User.Username() != "", database: strings.Trim(u.Path, "/")}
	l.aws = awsconf.FromQuery(query)
	for _, name := range awsconf.Names() {
		query.Del(name)
	}
	l.schema, l.role = take("schema"), take("iam_role")
	l.auth, l.authEndpoint, l.cluster, l.workgroup = take("auth"), take("auth_endpoint"), take("cluster"), take("workgroup")
	if err := l.parseStaging(take("staging"), take("keep")); err != nil {
		return location{}, err
	}
	l.byHost(u.Hostname())
	switch l.auth {
	case "":
		l.auth = "password"
	case "password":
	case "iam":
		if (l.cluster == "") == (l.workgroup == "") {
			return location{}, errors.New("auth=iam needs cluster=NAME or workgroup=NAME where the host's name does not tell")
		}
	default:
		return location{}, fmt.Errorf("auth must be password or iam; got %q", l.auth)
	}
	if u.Port() == "" {
		u.Host += ":5439"
	}
	u.Scheme, u.RawQuery = "postgres", query.Encode()
	l.server = u.String()
	return l, nil
}

// roleForm is what a role may be called, since COPY takes it as part of the statement.
func roleForm() *regexp.Regexp { return regexp.MustCompile(`^[\w+=,.@:/-]+$`) }

func (l *location) parseStaging(staging, keep string) error {
	s3, err := url.Parse(staging)
	if err != nil || s3.Scheme != "s3" || s3.Host == "" || s3.RawQuery != "" || !roleForm().MatchString(s3.Host+s3.Path) {
		return fmt.Errorf("staging must be s3://bucket/prefix; got %q", staging)
	}
	l.bucket, l.prefix = s3.Host, strings.Trim(s3.Path, "/")
	if l.prefix != "" {
		l.prefix += "/"
	}
	if !roleForm().MatchString(l.role) {
		return fmt.Errorf("iam_role must be the ARN of the role that COPY reads with, or default; got %q", l.role)
	}
	switch keep {
	case "", "archive":
		l.keep = keep == "archive"
	default:
		return fmt.Errorf("keep must be archive or absent; got %q", keep)
	}
	return nil
}

// byHost takes what a host's name tells: NAME.x.REGION.redshift.amazonaws.com or NAME.account.REGION.redshift-serverless.amazonaws.com.
func (l *location) byHost(host string) {
	labels := strings.Split(host, ".")
	if len(labels) < 6 || labels[4] != "amazonaws" {
		return
	}
	service := slices.Index([]string{"redshift", "redshift-serverless"}, labels[3])
	if service >= 0 && l.aws.Region == "" {
		l.aws.Region = labels[2]
	}
	if l.cluster != "" || l.workgroup != "" {
		return
	}
	switch service {
	case 0:
		l.cluster = labels[0]
	case 1:
		l.workgroup = labels[0]
	}
}

// lifetime is how long a password of AWS is good for; connecting is all that it is for.
const lifetime = 15 * time.Minute

// credentials gives what a connection asks before it is made: with auth=iam, AWS for a password.
func (l *location) credentials(ctx context.Context, config *pgx.ConnConfig) (func(context.Context, *pgx.ConnConfig) error, error) {
	if l.auth != "iam" {
		return nil, nil
	}
	if config.Password != "" {
		return nil, errors.New("auth=iam takes no password")
	}
	options := l.aws
	options.Endpoint = l.authEndpoint
	options.Attempts = 3 // there is nobody who would try again, but for who asks the question again
	conf, err := awsconf.Load(ctx, options)
	if err != nil {
		return nil, err
	}
	ask := l.ofCluster(conf)
	if l.workgroup != "" {
		ask = l.ofWorkgroup(conf)
	}
	return func(ctx context.Context, c *pgx.ConnConfig) error {
		user, password, err := ask(ctx, c.User)
		if err != nil {
			return fmt.Errorf("asking AWS for a password: %w", err)
		}
		c.User, c.Password = aws.ToString(user), aws.ToString(password)
		if c.User == "" || c.Password == "" {
			return errors.New("asking AWS for a password: the answer holds none")
		}
		return nil
	}, nil
}

type asking func(ctx context.Context, user string) (name, password *string, err error)

func (l *location) ofCluster(conf aws.Config) asking {
	client := redshift.NewFromConfig(conf)
	seconds := int32(lifetime / time.Second)
	return func(ctx context.Context, user string) (*string, *string, error) {
		if l.named {
			out, err := client.GetClusterCredentials(ctx, &redshift.GetClusterCredentialsInput{
				ClusterIdentifier: &l.cluster, DbName: &l.database, DbUser: &user, DurationSeconds: &seconds,
			})
			if err != nil {
				return nil, nil, err
			}
			return out.DbUser, out.DbPassword, nil
		}
		out, err := client.GetClusterCredentialsWithIAM(ctx, &redshift.GetClusterCredentialsWithIAMInput{
			ClusterIdentifier: &l.cluster, DbName: &l.database, DurationSeconds: &seconds,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.DbUser, out.DbPassword, nil
	}
}

func (l *location) ofWorkgroup(conf aws.Config) asking {
	client := redshiftserverless.NewFromConfig(conf)
	seconds := int32(lifetime / time.Second)
	return func(ctx context.Context, _ string) (*string, *string, error) {
		out, err := client.GetCredentials(ctx, &redshiftserverless.GetCredentialsInput{
			WorkgroupName: &l.workgroup, DbName: &l.database, DurationSeconds: &seconds,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.DbUser, out.DbPassword, nil
	}
}
