output "door" {
  description = "Point your names at this host: the SDKs' and the pages'."
  value       = aws_lb.spoor.dns_name
}

output "stream" {
  description = "The value of --stream, for spoor doctor and for replay."
  value       = local.stream
}

output "stream_arn" {
  description = "For a program's policy that puts events straight on the stream with sdk/go/kinesis."
  value       = aws_kinesis_stream.events.arn
}

output "warehouse" {
  description = "The value of --warehouse. It holds no password."
  value       = local.warehouse
}

output "copy_role_arn" {
  description = "The role that COPY takes. A warehouse that was there before must have it attached."
  value       = aws_iam_role.copy.arn
}

output "database_users" {
  description = "What an administrator of Redshift runs once, so that the tasks' temporary users may work."
  value       = <<-SQL
    create group spoor;
    create user "IAMR:${aws_iam_role.loader.name}" password disable in group spoor;
    create user "IAMR:${aws_iam_role.dashboard.name}" password disable in group spoor;
    grant create on database ${var.database} to "IAMR:${aws_iam_role.loader.name}";
    create schema ${local.schema} authorization "IAMR:${aws_iam_role.loader.name}";
    grant all on schema ${local.schema} to group spoor;
    alter default privileges for user "IAMR:${aws_iam_role.loader.name}" in schema ${local.schema} grant all on tables to group spoor;
  SQL
}
