package awsdoctor

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// Kinesis checks a stream, named by its name or ARN: that it is there, what it is, and that it can be put to and read.
func Kinesis(ctx context.Context, config aws.Config, name, arn string) []Finding {
	client := kinesis.NewFromConfig(config)
	on := "stream " + name
	var byName, byARN *string
	if arn != "" {
		on, byARN = arn, &arn
	} else {
		byName = &name
	}
	const check = "kinesis stream"
	out, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: byName, StreamARN: byARN})
	if err != nil {
		return []Finding{bad(check, "kinesis:DescribeStreamSummary", on, err)}
	}
	s := out.StreamDescriptionSummary
	on = aws.ToString(s.StreamARN)
	state := good(check, "%s is %s: %d open shards, records kept for %d h", aws.ToString(s.StreamName), s.StreamStatus,
		aws.ToInt32(s.OpenShardCount), aws.ToInt32(s.RetentionPeriodHours))
	if s.StreamStatus != types.StreamStatusActive && s.StreamStatus != types.StreamStatusUpdating {
		state.OK, state.Do = false, "wait until it is ACTIVE"
	}
	findings := []Finding{state}
	if hours := aws.ToInt32(s.RetentionPeriodHours); hours < 48 {
		findings = append(findings, good("kinesis retention", "%d h is the longest that loading may stand still without loss; consider 72: "+
			"aws kinesis increase-stream-retention-period --stream-name %s --retention-period-hours 72", hours, aws.ToString(s.StreamName)))
	}
	return append(findings, put(ctx, client, config, byName, byARN, on), read(ctx, client, byName, byARN, on))
}

// put asks for a record to be put without putting it. That is an option of AWS's own that an emulator may not heed.
func put(ctx context.Context, client *kinesis.Client, config aws.Config, name, arn *string, on string) Finding {
	const check = "kinesis put"
	if config.BaseEndpoint != nil {
		return good(check, "not tried: what answers at %s is not AWS, and might keep the record of a trial", *config.BaseEndpoint)
	}
	_, err := client.PutRecords(ctx, &kinesis.PutRecordsInput{
		StreamName: name, StreamARN: arn, DryRun: aws.Bool(true),
		Records: []types.PutRecordsRequestEntry{{Data: []byte("{}"), PartitionKey: aws.String("doctor")}},
	})
	if _, dry := errors.AsType[*types.DryRunOperationException](err); err == nil || dry {
		return good(check, "spoor collect may put records (a dry run)")
	}
	return bad(check, "kinesis:PutRecords", on, err)
}

// read lists the shards and reads one call's worth from the end of the first.
func read(ctx context.Context, client *kinesis.Client, name, arn *string, on string) Finding {
	const check = "kinesis read"
	list, err := client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: name, StreamARN: arn})
	if err != nil {
		return bad(check, "kinesis:ListShards", on, err)
	}
	if len(list.Shards) == 0 {
		return Finding{Check: check, Detail: "the stream has no shards", Do: "see the stream's state"}
	}
	iterator, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: name, StreamARN: arn, ShardId: list.Shards[0].ShardId, ShardIteratorType: types.ShardIteratorTypeLatest,
	})
	if err != nil {
		return bad(check, "kinesis:GetShardIterator", on, err)
	}
	_, err = client.GetRecords(ctx, &kinesis.GetRecordsInput{StreamARN: arn, ShardIterator: iterator.ShardIterator, Limit: aws.Int32(1)})
	if _, busy := errors.AsType[*types.ProvisionedThroughputExceededException](err); busy {
		return good(check, "spoor load may read; the shard is being read as often as it can be")
	}
	if err != nil {
		return bad(check, "kinesis:GetRecords", on, err)
	}
	return good(check, "spoor load may read")
}

// Firehose checks a delivery stream.
func Firehose(ctx context.Context, config aws.Config, name string) []Finding {
	const check = "firehose"
	client := firehose.NewFromConfig(config)
	out, err := client.DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: &name})
	if err != nil {
		return []Finding{bad(check, "firehose:DescribeDeliveryStream", "delivery stream "+name, err)}
	}
	d := out.DeliveryStreamDescription
	state := good(check, "%s is %s; whether this identity may firehose:PutRecordBatch is seen at the first event, for there is no trial run",
		name, d.DeliveryStreamStatus)
	if d.DeliveryStreamStatus != firehosetypes.DeliveryStreamStatusActive {
		state.OK, state.Do = false, "wait until it is ACTIVE, or see why it is not"
	}
	findings := []Finding{state}
	if d.DeliveryStreamType != firehosetypes.DeliveryStreamTypeDirectPut {
		findings = append(findings, Finding{
			Check: check, Detail: name + " has the source " + string(d.DeliveryStreamType),
			Do: "make a delivery stream with Direct PUT as its source: only such a one takes records from a door",
		})
	}
	return findings
}
