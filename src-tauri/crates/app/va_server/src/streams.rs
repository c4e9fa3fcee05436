//! Server-sent events: what changes, one job, the machine.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use crossbeam_channel::RecvTimeoutError;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use va_api::Events;
use va_domain::{Event, JobId};
use va_error::{Code, Error, Result};

use crate::core::Core;
use crate::failure::Answer;

/// Messages that wait for a slow reader; behind them the bus drops the oldest and says `lagged`.
const WAITING: usize = 64;

pub(crate) async fn events(State(core): State<Core>) -> Answer {
    stream(&core, Vec::new(), |event| Step::send(&event))
}

pub(crate) async fn resources(State(core): State<Core>) -> Answer {
    stream(&core, Vec::new(), |event| match event {
        Event::Resources { snapshot } => Step::send(&snapshot),
        _ => Step::Skip,
    })
}

/// The job as it is now, then its progress and curves until it has ended.
pub(crate) async fn job(State(core): State<Core>, Path(id): Path<String>) -> Answer {
    let id: JobId = id.parse()?;
    let actor = core.actor();
    // Subscribed before the state is read, so that nothing falls between.
    let asked = core.blocking(move |app| {
        let events = Events::Own(app.subscribe());
        let job = va_api::ask::<va_domain::Job>(app, &actor, "job_get", serde_json::json!({ "id": id }))?;
        Ok((events, job))
    });
    let (events, now) = asked.await?;
    let ended = now.state.is_final();
    let first = vec![serde_json::to_string(&Event::Job { job: now })?];
    if ended {
        let messages = first.into_iter().map(|data| Ok::<_, Infallible>(Message::default().data(data)));
        return Ok(Sse::new(tokio_stream::iter(messages)).into_response());
    }
    stream_of(&core, events, first, move |event| match &event {
        Event::Job { job } if job.id == id => match job.state.is_final() {
            true => Step::Last(serde_json::to_string(&event).unwrap_or_default()),
            false => Step::send(&event),
        },
        Event::Metrics { job_id, .. } if *job_id == id => Step::send(&event),
        Event::Lagged => Step::send(&event),
        _ => Step::Skip,
    })
}

enum Step {
    Skip,
    Send(String),
    Last(String),
}

impl Step {
    fn send(value: &impl serde::Serialize) -> Self {
        serde_json::to_string(value).map_or(Self::Skip, Self::Send)
    }
}

fn stream(core: &Core, first: Vec<String>, each: impl FnMut(Event) -> Step + Send + 'static) -> Answer {
    let events = Events::Own(core.app.subscribe());
    stream_of(core, events, first, each)
}

fn stream_of(
    core: &Core,
    events: Events,
    first: Vec<String>,
    each: impl FnMut(Event) -> Step + Send + 'static,
) -> Answer {
    let too_many = |_| Error::new(Code::RateLimited, "too many event streams are open at once");
    let permit = core.streams.clone().try_acquire_owned().map_err(too_many)?;
    let (sender, receiver) = mpsc::channel::<String>(WAITING);
    std::thread::Builder::new()
        .name("events".to_owned())
        .spawn(move || {
            pump(&events, &sender, first, each);
            drop(permit);
        })
        .map_err(Error::from)?;
    let mut stopping = core.stopping.subscribe();
    let messages = ReceiverStream::new(receiver)
        .map(|data| Ok::<_, Infallible>(Message::default().data(data)))
        .take_until(async move { stopping.wait_for(|stop| *stop).await.map(|_| ()) });
    let response: Response =
        Sse::new(messages).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response();
    Ok(response)
}

/// From the bus, which blocks, to the stream, which does not.
fn pump(events: &Events, sender: &mpsc::Sender<String>, first: Vec<String>, mut each: impl FnMut(Event) -> Step) {
    for data in first {
        if sender.blocking_send(data).is_err() {
            return;
        }
    }
    loop {
        let step = match events.recv_timeout(Duration::from_millis(500)) {
            Ok(event) => each(event),
            Err(RecvTimeoutError::Timeout) => Step::Skip,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let sent: Result<(), ()> = match step {
            Step::Skip if sender.is_closed() => Err(()),
            Step::Skip => Ok(()),
            Step::Send(data) => sender.blocking_send(data).map_err(|_| ()),
            Step::Last(data) => sender.blocking_send(data).map_err(|_| ()).and(Err(())),
        };
        if sent.is_err() {
            return;
        }
    }
}
