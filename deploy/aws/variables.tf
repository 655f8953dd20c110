variable "name" {
  description = "Begins the names of all that is made here."
  type        = string
  default     = "spoor"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "A name is 3 to 20 lower-case letters, digits and hyphens, and begins with a letter: load balancers take no longer names."
  }
}

variable "region" {
  description = "The AWS region of everything here."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written as eu-central-1 is."
  }
}

variable "tags" {
  description = "Tags of all that is made here."
  type        = map(string)
  default     = {}
}

# Where

variable "vpc_id" {
  description = "The network that everything stands in."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "A VPC's id begins with vpc-."
  }
}

variable "private_subnet_ids" {
  description = "Subnets for the tasks and Redshift, with a way out to AWS's services (a NAT gateway, or VPC endpoints). Redshift Serverless wants three, in three zones."
  type        = list(string)

  validation {
    condition     = length(var.private_subnet_ids) >= 3
    error_message = "Redshift Serverless needs three subnets in three availability zones."
  }
}

variable "public_subnet_ids" {
  description = "Subnets for the load balancer."
  type        = list(string)

  validation {
    condition     = length(var.public_subnet_ids) >= 2
    error_message = "A load balancer needs two subnets in two availability zones."
  }
}

variable "client_cidrs" {
  description = "Who may reach the load balancer."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = alltrue([for c in var.client_cidrs : can(cidrhost(c, 0))])
    error_message = "Each must be a prefix such as 203.0.113.0/24."
  }
}

variable "certificate_arn" {
  description = "The certificate of the load balancer, from ACM in the same region."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:acm:", var.certificate_arn))
    error_message = "The certificate is an ARN of ACM."
  }
}

variable "dashboard_host" {
  description = "The host name under which the load balancer shows the pages; every other name reaches the door."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+\\.[a-z]+$", var.dashboard_host))
    error_message = "The host is a name such as spoor.example.com."
  }
}

# What runs

variable "image" {
  description = "The container image of Spoor, by digest or a tag that never moves. See the README for how to make it."
  type        = string

  validation {
    condition     = can(regex("[:@]", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version: a tag other than latest, or a digest."
  }
}

variable "architecture" {
  description = "Of the image: ARM64 or X86_64."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.architecture)
    error_message = "The architecture is ARM64 or X86_64."
  }
}

variable "sources_secret_arn" {
  description = "A secret in Secrets Manager whose text is the sources and their write keys, NAME=KEY, with commas between."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:secretsmanager:", var.sources_secret_arn))
    error_message = "The secret is an ARN of Secrets Manager."
  }
}

variable "password_secret_arn" {
  description = "A secret in Secrets Manager whose text is the password of the pages."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:secretsmanager:", var.password_secret_arn))
    error_message = "The secret is an ARN of Secrets Manager."
  }
}

variable "collectors" {
  description = "How many doors there are."
  type        = number
  default     = 2

  validation {
    condition     = var.collectors >= 2
    error_message = "One door is none while it is replaced: have two or more."
  }
}

variable "loaders" {
  description = "How many loaders there are. They share the shards by leases; more than shards is of no use."
  type        = number
  default     = 2

  validation {
    condition     = var.loaders >= 1
    error_message = "Without a loader nothing is loaded."
  }
}

variable "task_cpu" {
  description = "CPU units of a task; 1024 is one vCPU."
  type        = number
  default     = 1024
}

variable "task_memory" {
  description = "MiB of a task. The loader's deduplication and batches take about 1 GiB."
  type        = number
  default     = 3072

  validation {
    condition     = var.task_memory >= 2048
    error_message = "A task needs 2048 MiB or more."
  }
}

variable "load_every" {
  description = "How long an event waits for company before it is committed to Redshift."
  type        = string
  default     = "10s"

  validation {
    condition     = can(regex("^[0-9]+(s|m)$", var.load_every))
    error_message = "A time is written as 10s or 1m."
  }
}

# The stream

variable "shards" {
  description = "How many shards the stream has; 0 leaves that to AWS (on-demand). See docs/aws.md for how many are enough."
  type        = number
  default     = 2

  validation {
    condition     = var.shards >= 0 && var.shards <= 500
    error_message = "From 0, which is on-demand, to 500."
  }
}

variable "retention_hours" {
  description = "How long the stream keeps records: the longest that loading may stand still without loss."
  type        = number
  default     = 72

  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760
    error_message = "Kinesis keeps records from 24 to 8760 hours."
  }
}

variable "fan_out_consumer" {
  description = "The name of a consumer with enhanced fan-out for the loaders, where others read the stream, too. Empty: they poll, which costs nothing."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{0,128}$", var.fan_out_consumer))
    error_message = "A consumer has a name of letters, digits, _, . and -."
  }
}

# The warehouse

variable "database" {
  description = "The database in Redshift."
  type        = string
  default     = "analytics"

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]*$", var.database))
    error_message = "A database has a name of lower-case letters, digits and underscores."
  }
}

variable "redshift_capacity" {
  description = "Base capacity of the serverless workgroup in RPUs."
  type        = number
  default     = 8

  validation {
    condition     = var.redshift_capacity >= 8 && var.redshift_capacity % 8 == 0
    error_message = "The capacity is a multiple of 8 RPUs."
  }
}

variable "redshift_daily_rpu_hours" {
  description = "The most RPU-hours a day, as a bound on cost. When it is reached Redshift only logs it: loading goes on."
  type        = number
  default     = 200
}

variable "existing_redshift" {
  description = "A warehouse that is there already, instead of a new workgroup: its address, the security group that lets the tasks in, the URL's user, and the ARN of its workgroup for temporary credentials. The role in the output copy_role_arn must be attached to it."
  type = object({
    address           = string
    security_group_id = string
    workgroup_arn     = string
    workgroup_name    = string
  })
  default = null
}

# Watching

variable "alarm_topic_arns" {
  description = "SNS topics that hear of alarms. Empty: alarms are seen in CloudWatch alone."
  type        = list(string)
  default     = []
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}
