# What somebody should be told: of what lasts, after the minutes that it has to last; of what is over as soon as it has
# happened (a refused delivery, a dead ticket), at once. What to do for each stands in docs/operating.md under the same words.

locals {
  alarms = {
    events-wait-long = {
      # Breaching without data: then no task reports, which is worse.
      description = "An event has waited for an hour, or no task says how long (ConduitEventsWaitLong, ConduitAbsent)"
      namespace   = local.metrics_namespace
      metric      = "conduit_queue_oldest_seconds"
      dimensions  = {}
      stat        = "Maximum"
      above       = 3600
      minutes     = 10
      missing     = "breaching"
    }
    store-away = {
      description = "A task cannot ask the store what waits (ConduitStoreAway)"
      namespace   = local.metrics_namespace
      metric      = "conduit_store_up"
      dimensions  = {}
      stat        = "Minimum"
      below       = 1
      minutes     = 2
      missing     = "notBreaching"
    }
    refuses-deliveries = {
      description = "Deliveries are answered 503 and will not come again by themselves (ConduitRefusesDeliveries)"
      namespace   = local.metrics_namespace
      metric      = "conduit_webhooks_total"
      dimensions  = { result = "unavailable" }
      stat        = "Sum"
      above       = 0
      minutes     = 1
      missing     = "notBreaching"
    }
    internal-errors = {
      description = "Deliveries are answered 500 (ConduitInternalErrors)"
      namespace   = local.metrics_namespace
      metric      = "conduit_webhooks_total"
      dimensions  = { result = "error" }
      stat        = "Sum"
      above       = 0
      minutes     = 1
      missing     = "notBreaching"
    }
    jira-refuses-login = {
      description = "Jira refuses the login; tickets wait (ConduitJiraRefusesLogin)"
      namespace   = local.metrics_namespace
      metric      = "conduit_jira_requests_total"
      dimensions  = { status = "401" }
      stat        = "Sum"
      above       = 0
      minutes     = 5
      missing     = "notBreaching"
    }
    tickets-die = {
      description = "Patience is over for tickets; they wait to be replayed (ConduitDeadLetters)"
      namespace   = local.metrics_namespace
      metric      = "conduit_outcomes_total"
      dimensions  = { outcome = "dead" }
      stat        = "Sum"
      above       = 0
      minutes     = 1
      missing     = "notBreaching"
    }
    rules-not-loaded = {
      description = "A task decides by older rules, because those on its disk have a mistake (ConduitRulesNotLoaded)"
      namespace   = local.metrics_namespace
      metric      = "conduit_rules_reload_failed"
      dimensions  = {}
      stat        = "Maximum"
      above       = 0
      minutes     = 5
      missing     = "notBreaching"
    }
    no-web-task = {
      description = "The load balancer finds no web task and answers 5xx itself (ConduitAbsent)"
      namespace   = "AWS/ApplicationELB"
      metric      = "HTTPCode_ELB_5XX_Count"
      dimensions  = { LoadBalancer = aws_lb.this.arn_suffix }
      stat        = "Sum"
      above       = 0
      minutes     = 2
      missing     = "notBreaching"
    }
  }

  store_alarms = {
    store-memory  = { metric = "DatabaseMemoryUsagePercentage", above = 75, what = "memory: full, it refuses deliveries" }
    store-engine  = { metric = "EngineCPUUtilization", above = 80, what = "one processor" }
    store-lag     = { metric = "ReplicationLag", above = 5, what = "replication lag: what a failover would lose" }
    store-evicted = { metric = "Evictions", above = 0, what = "evicted keys: something was forgotten" }
  }

  store_nodes = [for index in range(1 + var.store_replicas) : format("%s-%03d", var.name, index + 1)]
}

resource "aws_cloudwatch_metric_alarm" "conduit" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.stat
  comparison_operator = can(each.value.below) ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.below, each.value.above)
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = each.value.missing
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "store" {
  for_each = {
    for pair in setproduct(keys(local.store_alarms), local.store_nodes) : "${pair[0]}-${pair[1]}" => {
      alarm = local.store_alarms[pair[0]], node = pair[1]
    }
  }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "The store's ${each.value.alarm.what}"
  namespace           = "AWS/ElastiCache"
  metric_name         = each.value.alarm.metric
  dimensions          = { CacheClusterId = each.value.node }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.alarm.above
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns

  depends_on = [aws_elasticache_replication_group.store]
}
