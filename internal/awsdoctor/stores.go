package awsdoctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Staging puts an object below the prefix, reads it and removes it.
func Staging(ctx context.Context, config aws.Config, bucket, prefix string) Finding {
	const check = "s3 staging"
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = config.BaseEndpoint != nil })
	key := path.Join(prefix, "spoor-doctor-"+rand.Text())
	on := fmt.Sprintf("arn:aws:s3:::%s/%s", bucket, path.Join(prefix, "*"))
	want := []byte("spoor doctor was here\n")
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(want)}); err != nil {
		return bad(check, "s3:PutObject", on, err)
	}
	found := get(ctx, client, check, bucket, key, on, want)
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		f := bad(check, "s3:DeleteObject", on, err)
		f.Do += fmt.Sprintf("; and remove s3://%s/%s", bucket, key)
		return f
	}
	return found
}

func get(ctx context.Context, client *s3.Client, check, bucket, key, on string, want []byte) Finding {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return bad(check, "s3:GetObject", on, err)
	}
	defer out.Body.Close()
	have, err := io.ReadAll(io.LimitReader(out.Body, 1<<10))
	if err == nil && !bytes.Equal(want, have) {
		err = errors.New("what was read is not what was put")
	}
	if err != nil {
		return bad(check, "s3:GetObject", on, err)
	}
	return good(check, "an object was put, read and removed below s3://%s", path.Dir(path.Join(bucket, key)))
}

// Leases checks the table of leases.
func Leases(ctx context.Context, config aws.Config, table string) Finding {
	const check = "dynamodb leases"
	client := dynamodb.NewFromConfig(config)
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return bad(check, "dynamodb:DescribeTable", "table "+table, err)
	}
	on := aws.ToString(out.Table.TableArn)
	f := good(check, "%s is %s", table, out.Table.TableStatus)
	if out.Table.TableStatus != types.TableStatusActive && out.Table.TableStatus != types.TableStatusUpdating {
		f.OK, f.Do = false, "wait until it is ACTIVE"
		return f
	}
	if len(out.Table.KeySchema) != 1 || aws.ToString(out.Table.KeySchema[0].AttributeName) != "leaseKey" {
		return Finding{Check: check, Detail: table + " has another key than leaseKey", Do: "name a table of its own for the leases"}
	}
	scanned, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: &table, Limit: aws.Int32(1)})
	if err != nil {
		return bad(check, "dynamodb:Scan", on, err)
	}
	if scanned.Count > 0 {
		f.Detail += "; it holds leases"
	}
	return lease(ctx, client, f, table, on)
}

// lease writes as a lease is written, on the condition that an item is there that is not: AWS judges the permission first,
// and loaders at work see nothing of it.
func lease(ctx context.Context, client *dynamodb.Client, f Finding, table, on string) Finding {
	key := map[string]types.AttributeValue{"leaseKey": &types.AttributeValueMemberS{Value: "spoor-doctor-" + rand.Text()}}
	never := aws.String("attribute_exists(leaseKey)")
	for _, try := range []struct {
		permission string
		call       func() error
	}{
		{"dynamodb:PutItem", func() error {
			_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: key, ConditionExpression: never})
			return err
		}},
		{"dynamodb:UpdateItem", func() error {
			_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: &table, Key: key, ConditionExpression: never, UpdateExpression: aws.String("SET leaseCounter = :one"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
			})
			return err
		}},
		{"dynamodb:DeleteItem", func() error {
			_, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &table, Key: key, ConditionExpression: never})
			return err
		}},
	} {
		err := try.call()
		if _, refused := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !refused {
			return bad(f.Check, try.permission, on, err)
		}
	}
	f.Detail += "; it may be written"
	return f
}
