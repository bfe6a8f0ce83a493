//! What the system knows about this process, under the names that Prometheus's client libraries use. Linux only.

use std::fmt;

use procfs::process::LimitValue;
use procfs::{ProcResult, boot_time_secs, page_size, ticks_per_second};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// See the module. It is read at each scrape.
#[derive(Debug)]
pub(super) struct Process;

struct Reading {
    cpu_seconds: f64,
    start_time_seconds: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    threads: f64,
    open_fds: f64,
    max_fds: f64,
}

impl Reading {
    fn take() -> ProcResult<Reading> {
        let process = procfs::process::Process::myself()?;
        let stat = process.stat()?;
        let ticks = ticks_per_second() as f64;
        let max_fds = match process.limits()?.max_open_files.soft_limit {
            LimitValue::Value(value) => value as f64,
            LimitValue::Unlimited => f64::INFINITY,
        };
        Ok(Reading {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            start_time_seconds: boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
            resident_bytes: (stat.rss * page_size()) as f64,
            virtual_bytes: stat.vsize as f64,
            threads: stat.num_threads as f64,
            open_fds: process.fd_count()? as f64,
            max_fds,
        })
    }
}

impl Collector for Process {
    /// Writes nothing if the system does not say, as in a container without `/proc`.
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Ok(reading) = Reading::take() else { return Ok(()) };
        let cpu = ConstCounter::new(reading.cpu_seconds);
        let help = "Processor time that the process has used";
        cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?)?;
        for (name, help, value) in [
            (
                "process_start_time_seconds",
                "When the process started, since the Unix epoch",
                reading.start_time_seconds,
            ),
            ("process_resident_memory_bytes", "Memory of the process that is in RAM", reading.resident_bytes),
            ("process_virtual_memory_bytes", "Address space of the process", reading.virtual_bytes),
            ("process_threads", "Threads of the process", reading.threads),
            ("process_open_fds", "Open file descriptors", reading.open_fds),
            ("process_max_fds", "How many file descriptors may be open", reading.max_fds),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
