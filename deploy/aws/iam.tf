# Each role may do what its part of Spoor calls, on what it calls it on, and nothing else. test/deploy holds these lists to the
# calls in the code.

data "aws_iam_policy_document" "task_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

# The door puts records.

data "aws_iam_policy_document" "collector" {
  statement {
    sid = "Put"
    actions = [
      "kinesis:DescribeStreamSummary",
      "kinesis:ListShards",
      "kinesis:PutRecords",
    ]
    resources = [aws_kinesis_stream.events.arn]
  }
}

resource "aws_iam_role" "collector" {
  name               = "${var.name}-collector"
  assume_role_policy = data.aws_iam_policy_document.task_trust.json
}

resource "aws_iam_role_policy" "collector" {
  name   = "collector"
  role   = aws_iam_role.collector.id
  policy = data.aws_iam_policy_document.collector.json
}

# The loader reads records, holds leases, stages batches, and connects to Redshift.

data "aws_iam_policy_document" "reader" {
  statement {
    sid = "Read"
    actions = [
      "kinesis:DescribeStreamSummary",
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:ListShards",
    ]
    resources = [aws_kinesis_stream.events.arn]
  }

  statement {
    sid       = "Connect"
    actions   = ["redshift-serverless:GetCredentials"]
    resources = [local.redshift_workgroup_arn]
  }
}

data "aws_iam_policy_document" "loader" {
  source_policy_documents = [data.aws_iam_policy_document.reader.json]

  dynamic "statement" {
    for_each = var.fan_out_consumer == "" ? [] : [var.fan_out_consumer]

    content {
      sid = "FanOut"
      actions = [
        "kinesis:DescribeStreamConsumer",
        "kinesis:RegisterStreamConsumer",
        "kinesis:SubscribeToShard",
      ]
      resources = [aws_kinesis_stream.events.arn, "${aws_kinesis_stream.events.arn}/consumer/${statement.value}:*"]
    }
  }

  statement {
    sid = "Lease"
    actions = [
      "dynamodb:DeleteItem",
      "dynamodb:DescribeTable",
      "dynamodb:PutItem",
      "dynamodb:Scan",
      "dynamodb:UpdateItem",
    ]
    resources = [aws_dynamodb_table.leases.arn]
  }

  statement {
    sid = "Stage"
    actions = [
      "s3:DeleteObject",
      "s3:GetObject",
      "s3:PutObject",
    ]
    resources = ["${aws_s3_bucket.staging.arn}/${local.staging_prefix}/*"]
  }
}

resource "aws_iam_role" "loader" {
  name               = "${var.name}-loader"
  assume_role_policy = data.aws_iam_policy_document.task_trust.json
}

resource "aws_iam_role_policy" "loader" {
  name   = "loader"
  role   = aws_iam_role.loader.id
  policy = data.aws_iam_policy_document.loader.json
}

# The pages watch the stream and ask Redshift.

resource "aws_iam_role" "dashboard" {
  name               = "${var.name}-dashboard"
  assume_role_policy = data.aws_iam_policy_document.task_trust.json
}

resource "aws_iam_role_policy" "dashboard" {
  name   = "dashboard"
  role   = aws_iam_role.dashboard.id
  policy = data.aws_iam_policy_document.reader.json
}

# Redshift's own role: COPY reads what was staged.

data "aws_iam_policy_document" "copy_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

data "aws_iam_policy_document" "copy" {
  statement {
    sid       = "Copy"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.staging.arn}/${local.staging_prefix}/*"]
  }

  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.staging.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${local.staging_prefix}/*"]
    }
  }
}

resource "aws_iam_role" "copy" {
  name               = "${var.name}-copy"
  assume_role_policy = data.aws_iam_policy_document.copy_trust.json
}

resource "aws_iam_role_policy" "copy" {
  name   = "copy"
  role   = aws_iam_role.copy.id
  policy = data.aws_iam_policy_document.copy.json
}

# What ECS itself needs to start a task: its image, its log, its secrets.

resource "aws_iam_role" "start" {
  name               = "${var.name}-start"
  assume_role_policy = data.aws_iam_policy_document.task_trust.json
}

resource "aws_iam_role_policy_attachment" "start" {
  role       = aws_iam_role.start.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "start" {
  statement {
    sid       = "Secrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.sources_secret_arn, var.password_secret_arn]
  }
}

resource "aws_iam_role_policy" "start" {
  name   = "secrets"
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.start.json
}
