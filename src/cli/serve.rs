//! `conduit serve` and `conduit worker`

use super::CliError;
use crate::app::StoppedWaiting;
use crate::app::service::Service;
use crate::clock::Clock;
use crate::settings::{LogArgs, ServeArgs, Settings, TraceArgs, WorkerArgs};
use crate::telemetry::{LogFormat, init_logs, init_spans};

/// Takes deliveries in, and moves tickets unless told otherwise.
pub(super) async fn serve(args: ServeArgs) -> Result<(), CliError> {
    run(args.settings()?, &args.log, &args.traces).await
}

/// Moves tickets.
pub(super) async fn worker(args: WorkerArgs) -> Result<(), CliError> {
    run(args.settings()?, &args.log, &args.traces).await
}

async fn run(settings: Settings, log: &LogArgs, traces: &TraceArgs) -> Result<(), CliError> {
    let format = if log.log_format == "json" { LogFormat::Json } else { LogFormat::Text };
    init_logs(&log.log, format).map_err(|error| CliError::Usage(format!("CONDUIT_LOG: {error}")))?;
    if let Some(traces) = &traces.check()? {
        // What stands in their way is a setting.
        init_spans(traces).map_err(|error| CliError::Usage(error.to_string()))?;
    }
    // It holds everything that a start needs at one time or another, and is gone when that is over.
    let service = match Box::pin(Service::start(settings, Clock::system())).await {
        Err(error) if error.is::<StoppedWaiting>() => {
            tracing::info!("{error}");
            return Ok(());
        }
        started => started?,
    };
    Ok(service.run().await?)
}
