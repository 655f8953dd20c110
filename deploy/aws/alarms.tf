# What docs/aws.md says to be woken for, and why.

locals {
  stream_alarms = {
    behind = {
      why       = "The loaders are ten minutes behind: see their log. What is older than the stream's retention would be lost."
      metric    = "GetRecords.IteratorAgeMilliseconds"
      statistic = "Maximum"
      threshold = 10 * 60 * 1000
      minutes   = 5
    }
    nearly_lost = {
      why       = "Half of the stream's retention has passed without a load: raise the retention first, then mend the loaders."
      metric    = "GetRecords.IteratorAgeMilliseconds"
      statistic = "Maximum"
      threshold = var.retention_hours * 60 * 60 * 1000 / 2
      minutes   = 5
    }
    write_throttled = {
      why       = "Shards refuse records; the doors try again and answer 503 when that lasts. Add shards."
      metric    = "WriteProvisionedThroughputExceeded"
      statistic = "Sum"
      threshold = 100
      minutes   = 5
    }
    read_throttled = {
      why       = "More reads than five a second and shard: another consumer, or two crews of loaders with different lease tables."
      metric    = "ReadProvisionedThroughputExceeded"
      statistic = "Sum"
      threshold = 300
      minutes   = 15
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "stream" {
  for_each = local.stream_alarms

  alarm_name          = "${var.name}-stream-${each.key}"
  alarm_description   = each.value.why
  namespace           = "AWS/Kinesis"
  metric_name         = each.value.metric
  dimensions          = { StreamName = aws_kinesis_stream.events.name }
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "nothing_read" {
  alarm_name          = "${var.name}-stream-nothing-read"
  alarm_description   = "Nobody reads the stream: the loaders do not run, or hold no lease."
  namespace           = "AWS/Kinesis"
  metric_name         = "GetRecords.Success"
  dimensions          = { StreamName = aws_kinesis_stream.events.name }
  statistic           = "SampleCount"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "door_errors" {
  alarm_name          = "${var.name}-door-errors"
  alarm_description   = "The doors answer 5xx: clients keep their events and come again, for as long as they can."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_Target_5XX_Count"
  dimensions          = { LoadBalancer = aws_lb.spoor.arn_suffix, TargetGroup = aws_lb_target_group.door.arn_suffix }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "doors_missing" {
  alarm_name          = "${var.name}-doors-missing"
  alarm_description   = "Fewer than two doors are healthy: one more failure, and events are refused."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  dimensions          = { LoadBalancer = aws_lb.spoor.arn_suffix, TargetGroup = aws_lb_target_group.door.arn_suffix }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 2
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "leases_throttled" {
  alarm_name          = "${var.name}-leases-throttled"
  alarm_description   = "The lease table refuses requests: shards may change hands more often than they should. Nothing is lost by that."
  namespace           = "AWS/DynamoDB"
  metric_name         = "ThrottledRequests"
  dimensions          = { TableName = aws_dynamodb_table.leases.name, Operation = "UpdateItem" }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}
