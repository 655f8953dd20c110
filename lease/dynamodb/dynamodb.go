// Package dynamodb is a table of leases in DynamoDB, under the attribute names that the Kinesis Client Library (KCL) uses,
// so that what is made to look at its tables can look at these.
//
// A shard without an owner has no leaseOwner, as in KCL. While a shard is handed over, leaseOwner is who gets it and
// checkpointOwner who still has it, as in KCL 3. checkpoint is for those who look: loaders never read on from it.
package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spoorhq/spoor/lease"
	"github.com/spoorhq/spoor/stream"
)

// KCL's names of the attributes.
const (
	leaseKey      = "leaseKey"
	leaseOwner    = "leaseOwner"
	leaseCounter  = "leaseCounter"
	checkpoint    = "checkpoint"
	subSequence   = "checkpointSubSequenceNumber"
	switches      = "ownerSwitchesSinceCheckpoint"
	parentShardID = "parentShardId"
	holder        = "checkpointOwner"
)

// Options say which table.
type Options struct {
	Config aws.Config
	Name   string
	// Existing: a table that is not there is an error, and is not made.
	Existing bool
	// Page is the most items of one scan; 0: as many as DynamoDB gives.
	Page int32
}

// Table is a lease.Table. Use Open.
type Table struct {
	client *dynamodb.Client
	name   string
	page   *int32
}

// ErrNoTable says that there is no such table.
var ErrNoTable = errors.New("table does not exist")

// Open finds the table, or makes it, billed by the request, and waits until it can be used. It refuses one whose key is
// not KCL's.
func Open(ctx context.Context, o Options) (*Table, error) {
	t := &Table{client: dynamodb.NewFromConfig(o.Config), name: o.Name}
	if o.Page > 0 {
		t.page = &o.Page
	}
	described, err := t.describe(ctx)
	if errors.Is(err, ErrNoTable) && !o.Existing {
		_, err = t.client.CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName: &t.name, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(leaseKey), AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String(leaseKey), KeyType: types.KeyTypeHash}},
		})
		if already := new(types.ResourceInUseException); err != nil && !errors.As(err, &already) {
			return nil, fmt.Errorf("making the table %s: %w", t.name, err)
		}
		described, err = t.describe(ctx)
	}
	// DescribeTable may not know at first of a table that was just made.
	for err == nil && described.TableStatus == types.TableStatusCreating || errors.Is(err, ErrNoTable) && !o.Existing {
		select {
		case <-time.After(createPoll):
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the table %s to be made: %w", t.name, ctx.Err())
		}
		described, err = t.describe(ctx)
	}
	if err != nil {
		return nil, err
	}
	if key := described.KeySchema; len(key) != 1 || aws.ToString(key[0].AttributeName) != leaseKey {
		return nil, fmt.Errorf("table %s is not a table of leases: its key is not %s alone", t.name, leaseKey)
	}
	return t, nil
}

const createPoll = 100 * time.Millisecond

func (t *Table) describe(ctx context.Context) (*types.TableDescription, error) {
	out, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.name})
	if none := new(types.ResourceNotFoundException); errors.As(err, &none) {
		return nil, fmt.Errorf("table %s: %w", t.name, ErrNoTable)
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the table %s: %w", t.name, err)
	}
	return out.Table, nil
}

// List scans the whole table, consistently. Items that have no leaseCounter, such as KCL 3's own, are no leases.
func (t *Table) List(ctx context.Context) ([]lease.Lease, error) {
	var leases []lease.Lease
	var from map[string]types.AttributeValue
	for {
		page, err := t.client.Scan(ctx, &dynamodb.ScanInput{
			TableName: &t.name, ConsistentRead: aws.Bool(true), ExclusiveStartKey: from, Limit: t.page,
		})
		if err != nil {
			return nil, fmt.Errorf("scanning the table %s: %w", t.name, err)
		}
		for _, item := range page.Items {
			if _, ok := item[leaseCounter]; !ok {
				continue
			}
			l, err := read(item)
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", t.name, err)
			}
			leases = append(leases, l)
		}
		if from = page.LastEvaluatedKey; len(from) == 0 {
			return leases, nil
		}
	}
}

func (t *Table) Add(ctx context.Context, l lease.Lease) error {
	_, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.name, Item: item(l), ConditionExpression: aws.String("attribute_not_exists(" + leaseKey + ")"),
	})
	if err = refusal(err); errors.Is(err, lease.ErrChanged) {
		return nil // it is there
	}
	return err
}

// Swap updates the attributes that are ours, so that others' stay.
func (t *Table) Swap(ctx context.Context, old, next lease.Lease) error {
	condition, names, values := unchanged(old)
	set, remove := "", ""
	written := item(next)
	for i, name := range []string{leaseOwner, holder, leaseCounter, checkpoint, subSequence, switches, parentShardID} {
		alias := "#s" + strconv.Itoa(i)
		names[alias] = name
		value, ok := written[name]
		if !ok {
			remove += ", " + alias
			continue
		}
		values[":s"+strconv.Itoa(i)] = value
		set += fmt.Sprintf(", %s = :s%d", alias, i)
	}
	update := "SET " + set[2:]
	if remove != "" {
		update += " REMOVE " + remove[2:]
	}
	_, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.name, Key: key(old), UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	return refusal(err)
}

func (t *Table) Remove(ctx context.Context, old lease.Lease) error {
	condition, names, values := unchanged(old)
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: key(old), ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	return refusal(err)
}

// Close does nothing: the client keeps nothing that must be given back.
func (*Table) Close() error { return nil }

func refusal(err error) error {
	if changed := new(types.ConditionalCheckFailedException); errors.As(err, &changed) {
		return lease.ErrChanged
	}
	return err
}

// unchanged gives the condition that a lease is there with old's owner, holder and counter.
func unchanged(old lease.Lease) (condition string, names map[string]string, values map[string]types.AttributeValue) {
	names = map[string]string{"#counter": leaseCounter}
	values = map[string]types.AttributeValue{":counter": number(old.Counter)}
	condition = "#counter = :counter"
	for alias, is := range map[string]struct{ name, value string }{"owner": {leaseOwner, old.Owner}, "holder": {holder, old.Holder}} {
		names["#"+alias] = is.name
		if is.value == "" {
			condition += " AND attribute_not_exists(#" + alias + ")"
			continue
		}
		values[":"+alias] = text(is.value)
		condition += fmt.Sprintf(" AND #%[1]s = :%[1]s", alias)
	}
	return condition, names, values
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func key(l lease.Lease) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{leaseKey: text(string(l.Shard))}
}

// item writes a lease. An empty text cannot be in a set, nor in what KCL reads as somebody's name.
func item(l lease.Lease) map[string]types.AttributeValue {
	out := key(l)
	out[leaseCounter], out[switches], out[subSequence] = number(l.Counter), number(l.Switches), number(0)
	for name, value := range map[string]string{leaseOwner: l.Owner, holder: l.Holder, checkpoint: l.Checkpoint} {
		if value != "" {
			out[name] = text(value)
		}
	}
	if len(l.Parents) > 0 {
		parents := &types.AttributeValueMemberSS{}
		for _, p := range l.Parents {
			parents.Value = append(parents.Value, string(p))
		}
		out[parentShardID] = parents
	}
	return out
}

// read reads a lease. It refuses attributes of another kind than KCL's.
func read(item map[string]types.AttributeValue) (lease.Lease, error) {
	var l lease.Lease
	var id string
	for name, to := range map[string]*string{leaseKey: &id, leaseOwner: &l.Owner, holder: &l.Holder, checkpoint: &l.Checkpoint} {
		switch value := item[name].(type) {
		case nil, *types.AttributeValueMemberNULL:
		case *types.AttributeValueMemberS:
			*to = value.Value
		default:
			return l, fmt.Errorf("lease %q: %s is no text", id, name)
		}
	}
	l.Shard = stream.ShardID(id)
	for name, to := range map[string]*int64{leaseCounter: &l.Counter, switches: &l.Switches} {
		switch value := item[name].(type) {
		case nil, *types.AttributeValueMemberNULL:
		case *types.AttributeValueMemberN:
			n, err := strconv.ParseInt(value.Value, 10, 64)
			if err != nil {
				return l, fmt.Errorf("lease %q: %s is %q", id, name, value.Value)
			}
			*to = n
		default:
			return l, fmt.Errorf("lease %q: %s is no number", id, name)
		}
	}
	if parents, ok := item[parentShardID].(*types.AttributeValueMemberSS); ok {
		for _, p := range parents.Value {
			l.Parents = append(l.Parents, stream.ShardID(p))
		}
	}
	return l, nil
}
