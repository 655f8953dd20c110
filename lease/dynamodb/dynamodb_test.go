package dynamodb_test

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spoorhq/spoor/internal/awsconf"
	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/lease/dynamodb"
	"github.com/spoorhq/spoor/lease/leasetest"
	"github.com/spoorhq/spoor/stream"
)

// emulator gives the configuration of the DynamoDB that SPOOR_TEST_DYNAMODB names.
func emulator(t *testing.T) aws.Config {
	t.Helper()
	endpoint := os.Getenv("SPOOR_TEST_DYNAMODB")
	if endpoint == "" {
		if os.Getenv("SPOOR_TEST_REQUIRE") != "" {
			t.Fatal("SPOOR_TEST_DYNAMODB names no DynamoDB")
		}
		t.Skip("SPOOR_TEST_DYNAMODB names no DynamoDB")
	}
	conf, err := awsconf.Load(t.Context(), awsconf.Options{Endpoint: endpoint, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), leasetest.Deadline)
	t.Cleanup(cancel)
	return ctx
}

func TestConformance(t *testing.T) {
	t.Parallel()
	conf, run := emulator(t), rand.Text()
	leasetest.Run(t, func(ctx context.Context, name string) (lease.Table, error) {
		return dynamodb.Open(ctx, dynamodb.Options{Config: conf, Name: name + "-" + run, Page: 7})
	})
}

// TestAttributes holds the table to KCL's names and kinds, and to leaving alone what others wrote beside.
func TestAttributes(t *testing.T) {
	t.Parallel()
	conf, ctx := emulator(t), within(t)
	name := "kcl-" + rand.Text()
	table, err := dynamodb.Open(ctx, dynamodb.Options{Config: conf, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	raw := client.NewFromConfig(conf)
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	number := func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
	for _, item := range []map[string]types.AttributeValue{
		{"leaseKey": text("s"), "leaseCounter": number("4"), "checkpoint": text("TRIM_HORIZON"), "ownerSwitchesSinceCheckpoint": number("0"), "startingHashKey": text("0")},
		{"leaseKey": text("of KCL itself"), "entityType": text("WORKER_METRICS")},
	} {
		if _, err := raw.PutItem(ctx, &client.PutItemInput{TableName: &name, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	old := lease.Lease{Shard: "s", Counter: 4, Checkpoint: lease.Begin}
	next := lease.Lease{Shard: "s", Owner: "heir", Holder: "holder", Counter: 5, Checkpoint: "123", Switches: 2, Parents: []stream.ShardID{"p"}}
	if err := table.Swap(ctx, old, next); err != nil {
		t.Fatal(err)
	}
	out, err := raw.GetItem(ctx, &client.GetItemInput{TableName: &name, Key: map[string]types.AttributeValue{"leaseKey": text("s")}})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, k := range slices.Sorted(maps.Keys(out.Item)) {
		switch v := out.Item[k].(type) {
		case *types.AttributeValueMemberS:
			have = append(have, k+"=S "+v.Value)
		case *types.AttributeValueMemberN:
			have = append(have, k+"=N "+v.Value)
		case *types.AttributeValueMemberSS:
			have = append(have, k+"=SS "+strings.Join(v.Value, " "))
		}
	}
	want := []string{
		"checkpoint=S 123", "checkpointOwner=S holder", "checkpointSubSequenceNumber=N 0", "leaseCounter=N 5", "leaseKey=S s",
		"leaseOwner=S heir", "ownerSwitchesSinceCheckpoint=N 2", "parentShardId=SS p", "startingHashKey=S 0",
	}
	if !slices.Equal(want, have) {
		t.Errorf("want %q\nhave %q", want, have)
	}
	leases, err := table.List(ctx)
	if err != nil || len(leases) != 1 || leases[0].Owner != "heir" {
		t.Errorf("want the one item that is a lease; have %+v, %v", leases, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	conf, ctx := emulator(t), within(t)
	name := "none-" + rand.Text()
	if _, err := dynamodb.Open(ctx, dynamodb.Options{Config: conf, Name: name, Existing: true}); !errors.Is(err, dynamodb.ErrNoTable) || !strings.Contains(err.Error(), name) {
		t.Errorf("want %v with its name; have %v", dynamodb.ErrNoTable, err)
	}
	_, err := client.NewFromConfig(conf).CreateTable(ctx, &client.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dynamodb.Open(ctx, dynamodb.Options{Config: conf, Name: name}); err == nil || !strings.Contains(err.Error(), "leaseKey") {
		t.Errorf("want a table of another key refused; have %v", err)
	}
	conf.BaseEndpoint = aws.String("http://127.0.0.1:1")
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := dynamodb.Open(short, dynamodb.Options{Config: conf, Name: name}); err == nil {
		t.Error("want an error where nobody answers; have none")
	}
}
