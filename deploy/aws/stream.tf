# The road: records of events, and who reads which shard.

resource "aws_kinesis_stream" "events" {
  name             = "${var.name}-events"
  shard_count      = var.shards == 0 ? null : var.shards
  retention_period = var.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = var.shards == 0 ? "ON_DEMAND" : "PROVISIONED"
  }
}

# Leases tell which loader reads a shard. They are for efficiency: what is loaded is decided in the warehouse, so that
# nothing is lost with this table.
resource "aws_dynamodb_table" "leases" {
  name         = "${var.name}-leases"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "leaseKey"

  attribute {
    name = "leaseKey"
    type = "S"
  }

  server_side_encryption {
    enabled = true
  }
}
