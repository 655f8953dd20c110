# The three roles of Spoor as services on Fargate.

locals {
  port   = 8080
  schema = "spoor"
  stream = "kinesis://${aws_kinesis_stream.events.name}?region=${var.region}"

  # Only who reads may name a consumer.
  read_stream = var.fan_out_consumer == "" ? local.stream : "${local.stream}&consumer=${var.fan_out_consumer}"

  warehouse = "redshift://${local.redshift_address}:5439/${var.database}?${join("&", [
    "auth=iam",
    "workgroup=${local.redshift_workgroup_name}",
    "schema=${local.schema}",
    "region=${var.region}",
    "staging=s3://${aws_s3_bucket.staging.id}/${local.staging_prefix}",
    "iam_role=${aws_iam_role.copy.arn}",
  ])}"

  everywhere = {
    SPOOR_ADDR       = "0.0.0.0:${local.port}"
    SPOOR_DATA       = "/var/lib/spoor"
    SPOOR_LOG_FORMAT = "json"
  }

  services = {
    collect = {
      count        = var.collectors
      role         = aws_iam_role.collector.arn
      environment  = { SPOOR_STREAM = local.stream, SPOOR_TRUSTED_PROXY = data.aws_vpc.this.cidr_block }
      secrets      = { SPOOR_SOURCE = var.sources_secret_arn }
      target_group = aws_lb_target_group.door.arn
    }
    load = {
      count = var.loaders
      role  = aws_iam_role.loader.arn
      environment = {
        SPOOR_STREAM     = local.read_stream
        SPOOR_WAREHOUSE  = local.warehouse
        SPOOR_LOAD_EVERY = var.load_every
        SPOOR_LEASES     = "dynamodb://${aws_dynamodb_table.leases.name}?region=${var.region}"
      }
      secrets      = {}
      target_group = null
    }
    dashboard = {
      count        = 1
      role         = aws_iam_role.dashboard.arn
      environment  = { SPOOR_STREAM = local.stream, SPOOR_WAREHOUSE = local.warehouse }
      secrets      = { SPOOR_PASSWORD = var.password_secret_arn }
      target_group = aws_lb_target_group.pages.arn
    }
  }
}

data "aws_vpc" "this" {
  id = var.vpc_id
}

resource "aws_ecs_cluster" "spoor" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "spoor" {
  for_each = local.services

  name              = "/${var.name}/${each.key}"
  retention_in_days = var.log_days
}

resource "aws_ecs_task_definition" "spoor" {
  for_each = local.services

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.task_cpu
  memory                   = var.task_memory
  task_role_arn            = each.value.role
  execution_role_arn       = aws_iam_role.start.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  container_definitions = jsonencode([{
    name         = each.key
    image        = var.image
    essential    = true
    command      = [each.key]
    stopTimeout  = 60 # a role drains for 15 s at most
    portMappings = [{ containerPort = local.port, protocol = "tcp" }]
    environment  = [for name, value in merge(local.everywhere, each.value.environment) : { name = name, value = value }]
    secrets      = [for name, arn in each.value.secrets : { name = name, valueFrom = arn }]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.spoor[each.key].name
        awslogs-region        = var.region
        awslogs-stream-prefix = "task"
      }
    }
  }])
}

resource "aws_ecs_service" "spoor" {
  for_each = local.services

  name                               = each.key
  cluster                            = aws_ecs_cluster.spoor.id
  task_definition                    = aws_ecs_task_definition.spoor[each.key].arn
  desired_count                      = each.value.count
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = each.value.target_group == null ? null : 30

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.private_subnet_ids
    security_groups = [aws_security_group.tasks.id]
  }

  dynamic "load_balancer" {
    for_each = each.value.target_group == null ? [] : [each.value.target_group]

    content {
      target_group_arn = load_balancer.value
      container_name   = each.key
      container_port   = local.port
    }
  }

  depends_on = [aws_lb_listener.https, aws_lb_listener_rule.pages]
}
