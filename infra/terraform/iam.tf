# Two sorts of role: what starts a task may pull its image, read its secrets and write its logs; the task itself may only
# hand its metrics on. Web tasks cannot read the logins to Jira and the forge, workers cannot read the administrator's token.

locals {
  secrets = {
    web = merge(
      {
        CONDUIT_STORE       = aws_secretsmanager_secret.store_url.arn
        CONDUIT_SECRET_KEY  = aws_secretsmanager_secret.secret_key.arn
        CONDUIT_ADMIN_TOKEN = aws_secretsmanager_secret.admin_token.arn
      },
      local.collector_login,
    )
    worker = merge(
      {
        CONDUIT_STORE      = aws_secretsmanager_secret.store_url.arn
        CONDUIT_SECRET_KEY = aws_secretsmanager_secret.secret_key.arn
      },
      { for key in var.jira_secret_keys : key => "${var.jira_secret_arn}:${key}::" },
      var.github_secret_arn == null ? {} : { GITHUB_TOKEN = var.github_secret_arn },
      local.collector_login,
    )
  }

  collector_login = var.otlp_headers_secret_arn == null ? {} : { OTEL_EXPORTER_OTLP_HEADERS = var.otlp_headers_secret_arn }

  # Without the name of a field behind it, which only ECS understands.
  readable = {
    web    = values(local.secrets.web)
    worker = distinct([for arn in values(local.secrets.worker) : join(":", slice(split(":", arn), 0, 7))])
  }
}

data "aws_iam_policy_document" "assume_task" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "execution" {
  for_each = local.secrets

  name               = "${var.name}-${each.key}-start"
  description        = "Starts the ${each.key} tasks of ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.assume_task.json
}

data "aws_iam_policy_document" "execution" {
  #checkov:skip=CKV_AWS_356:ecr:GetAuthorizationToken knows no resource
  for_each = local.secrets

  statement {
    sid       = "Secrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = local.readable[each.key]
  }

  statement {
    sid       = "Keys"
    actions   = ["kms:Decrypt"]
    resources = concat([aws_kms_key.this.arn], var.customer_key_arns)

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }
  }

  statement {
    sid     = "Logs"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [
      "${aws_cloudwatch_log_group.task[each.key].arn}:*",
      "${aws_cloudwatch_log_group.task["collector"].arn}:*",
    ]
  }

  dynamic "statement" {
    for_each = var.ecr_repository_arn == null ? [] : [var.ecr_repository_arn]

    content {
      sid       = "Image"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.ecr_repository_arn == null ? [] : [1]

    content {
      sid       = "Registry"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  for_each = local.secrets

  name   = "start"
  role   = aws_iam_role.execution[each.key].id
  policy = data.aws_iam_policy_document.execution[each.key].json
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  description        = "What a task of ${var.name} may do: hand its metrics on"
  assume_role_policy = data.aws_iam_policy_document.assume_task.json
}

data "aws_iam_policy_document" "task" {
  statement {
    sid       = "Metrics"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = [aws_cloudwatch_log_group.metrics.arn, "${aws_cloudwatch_log_group.metrics.arn}:*"]
  }
}

resource "aws_iam_role_policy" "task" {
  name   = "metrics"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

# The VPC's flow logs.
data "aws_iam_policy_document" "assume_flow" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["vpc-flow-logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "flow" {
  name               = "${var.name}-flow"
  description        = "Writes the flow logs of ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.assume_flow.json
}

data "aws_iam_policy_document" "flow" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = [aws_cloudwatch_log_group.flow.arn, "${aws_cloudwatch_log_group.flow.arn}:*"]
  }
}

resource "aws_iam_role_policy" "flow" {
  name   = "logs"
  role   = aws_iam_role.flow.id
  policy = data.aws_iam_policy_document.flow.json
}
