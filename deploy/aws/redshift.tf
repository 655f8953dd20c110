# The warehouse: a serverless workgroup, unless one is given.

locals {
  own_redshift = var.existing_redshift == null

  redshift_address        = local.own_redshift ? one(aws_redshiftserverless_workgroup.spoor[*].endpoint[0].address) : var.existing_redshift.address
  redshift_workgroup_arn  = local.own_redshift ? one(aws_redshiftserverless_workgroup.spoor[*].arn) : var.existing_redshift.workgroup_arn
  redshift_workgroup_name = local.own_redshift ? one(aws_redshiftserverless_workgroup.spoor[*].workgroup_name) : var.existing_redshift.workgroup_name
  redshift_group          = local.own_redshift ? one(aws_security_group.redshift[*].id) : var.existing_redshift.security_group_id
}

resource "aws_redshiftserverless_namespace" "spoor" {
  count = local.own_redshift ? 1 : 0

  namespace_name        = var.name
  db_name               = var.database
  manage_admin_password = true
  iam_roles             = [aws_iam_role.copy.arn]
  default_iam_role_arn  = aws_iam_role.copy.arn
  log_exports           = ["userlog", "connectionlog"]
}

resource "aws_redshiftserverless_workgroup" "spoor" {
  count = local.own_redshift ? 1 : 0

  namespace_name       = aws_redshiftserverless_namespace.spoor[0].namespace_name
  workgroup_name       = var.name
  base_capacity        = var.redshift_capacity
  publicly_accessible  = false
  enhanced_vpc_routing = true
  subnet_ids           = var.private_subnet_ids
  security_group_ids   = [aws_security_group.redshift[0].id]

  config_parameter {
    parameter_key   = "require_ssl"
    parameter_value = "true"
  }
}

resource "aws_redshiftserverless_usage_limit" "spoor" {
  count = local.own_redshift ? 1 : 0

  resource_arn  = aws_redshiftserverless_workgroup.spoor[0].arn
  usage_type    = "serverless-compute"
  amount        = var.redshift_daily_rpu_hours
  period        = "daily"
  breach_action = "log"
}

resource "aws_security_group" "redshift" {
  count = local.own_redshift ? 1 : 0

  name        = "${var.name}-redshift"
  description = "Redshift: from the tasks of Spoor"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "redshift" {
  count = local.own_redshift ? 1 : 0

  security_group_id = aws_security_group.redshift[0].id
  description       = "COPY reads S3"
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_ingress_rule" "redshift" {
  security_group_id            = local.redshift_group
  description                  = "loaders and pages of Spoor"
  ip_protocol                  = "tcp"
  from_port                    = 5439
  to_port                      = 5439
  referenced_security_group_id = aws_security_group.tasks.id
}
