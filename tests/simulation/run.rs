//! One seed, from the first page to the last check: faults, recovery, a quiet minute, the end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::app::App;
use crate::faults::Faults;
use crate::network::ToClient;
use crate::page::Page;
use crate::stage::Ev;
use crate::totals::Totals;
use crate::world::World;

/// A run with more events than this is a storm.
const EVENTS_MAX: u64 = 3_000_000;
/// A reload is delayed by this long while a rewind has not been reported to the application.
const RELOAD_AGAIN_MS: u64 = 500;

pub struct Run {
    pub world: World,
    pub pages: Vec<Page>,
    /// The counts of the pages that have ended.
    pub totals: Totals,
    /// Whether messages are still published.
    pub writing: bool,
}

impl Run {
    /// A seed with the faults that it draws.
    pub fn new(seed: u64, readable: bool) -> Self {
        Run::of(seed, None, readable)
    }

    /// A seed with these faults, or with those that it draws.
    pub fn of(seed: u64, faults: Option<&Faults>, readable: bool) -> Self {
        let mut world = World::new(seed, faults.cloned(), readable);
        let pages = (0..world.stage.faults.clients as usize)
            .map(|client| {
                let app = App::new(&mut world.stage);
                Page::new(client, 0, app, 0, &mut world.stage)
            })
            .collect();
        Run { world, pages, totals: Totals::default(), writing: true }
    }

    /// Runs everything. A broken promise, or a panic of the core, is in `world.stage.broken`.
    pub fn play(&mut self) {
        let played = catch_unwind(AssertUnwindSafe(|| {
            for part in [Run::suffer, Run::recover, Run::rest, Run::end] {
                if self.world.stage.broken.is_none() {
                    part(self);
                }
            }
        }));
        if played.is_err() {
            self.world.stage.fail(|| "a panic; its message stands above".to_owned());
        }
    }

    /// The pages start, and faults begin.
    fn suffer(&mut self) {
        for client in 0..self.pages.len() {
            self.start(client);
            self.world.stage.after(0, Ev::Publish { client });
        }
        for ch in 0..self.world.server.logs.len() {
            self.world.stage.after(0, Ev::Append { ch });
        }
        self.world.stage.after(0, Ev::InjectFaults);
        self.play_until(self.world.stage.faults.faults_ms);
    }

    /// A page starts.
    pub fn start(&mut self, client: usize) {
        let (page, world) = (&mut self.pages[client], &mut self.world);
        let subscribes_first = world.stage.rng.chance(500);
        if subscribes_first {
            page.subscribe_all(world);
        }
        page.call(world, |session, now| session.connect(now));
        if !subscribes_first {
            page.subscribe_all(world);
            page.call(world, |_, _| ());
        }
    }

    /// Runs every event that is due by then.
    pub fn play_until(&mut self, until_ms: u64) {
        while self.world.stage.broken.is_none()
            && let Some(ev) = self.world.stage.next(until_ms)
        {
            self.happen(ev);
            let events = self.world.stage.events;
            self.world.stage.check(events < EVENTS_MAX, || format!("{events} events: a storm"));
        }
        self.world.stage.now = until_ms;
    }

    fn happen(&mut self, ev: Ev) {
        let world = &mut self.world;
        if let Some(at) =
            page_of(ev, world).and_then(|client| self.pages[client].postpones(ev, world.stage.now))
        {
            return world.stage.at(at, ev);
        }
        match ev {
            Ev::Arrive { conn, to_server: true } => {
                if let Some(item) = world.net.arrived_at_server(conn, world.stage.now) {
                    world.server.receive(conn, item, &mut world.net, &mut world.stage);
                }
            }
            Ev::Arrive { conn, to_server: false } => self.arrive(conn),
            Ev::Opened { conn } => self.opened(conn),
            Ev::GiveUp { conn } => world.server.forget(conn, &mut world.net),
            Ev::IdleCheck { conn } => {
                if world.net.idle(conn, &mut world.stage) {
                    world.stage.note("proxy closes connection", &[conn as u64]);
                    world.net.cut(conn, &mut world.stage);
                }
            }
            Ev::Feed { conn, ch, no } => world.server.step(conn, ch, no, &mut world.net, &mut world.stage),
            Ev::Append { ch } => {
                if self.writing {
                    world.server.append(ch, &mut world.stage);
                    let wait_ms = world.stage.rng.between(1, 2 * world.stage.faults.append_every_ms);
                    world.stage.after(wait_ms, ev);
                }
            }
            Ev::ServerUp => world.server.restart(&mut world.net, &mut world.stage),
            Ev::ServerDown => world.server.go_down(&mut world.net, &mut world.stage),
            Ev::InjectFaults => self.inject_faults(),
            _ => self.happen_in_page(ev),
        }
    }

    /// An event of a page.
    fn happen_in_page(&mut self, ev: Ev) {
        let world = &mut self.world;
        match ev {
            Ev::Timer { client, armed } => self.pages[client].timer(armed, world),
            Ev::Work { client } => self.pages[client].work(world),
            Ev::Publish { client } if self.writing => {
                self.pages[client].publish(world);
                let wait_ms = world.stage.rng.between(1, 2 * world.stage.faults.publish_every_ms);
                world.stage.after(wait_ms, ev);
            }
            Ev::Token { client, page, fetch } if self.pages[client].number == page => {
                self.pages[client].token(fetch, world);
            }
            Ev::Thaw { client } => {
                world.stage.note("client goes on", &[client as u64]);
                // Some browsers fire no event for a page that was only frozen.
                let restored = std::mem::take(&mut self.pages[client].suspended);
                if restored || world.stage.rng.chance(500) {
                    self.pages[client].call(world, |session, now| session.handle_wake(now));
                }
            }
            Ev::Reload { client, page } => {
                let there = &self.pages[client];
                match there.app.rewind_waits() {
                    _ if there.number != page => {}
                    true => world.stage.after(RELOAD_AGAIN_MS, ev),
                    false => self.reload(client),
                }
            }
            _ => {}
        }
    }

    fn arrive(&mut self, conn: usize) {
        let world = &mut self.world;
        let Some(item) = world.net.arrived_at_client(conn, world.stage.now) else { return };
        let c = &world.net.conns[conn];
        let page = &mut self.pages[c.client];
        if c.client_listens && c.page == page.number {
            page.arrive(conn, item, world);
        }
    }

    /// A connection reaches the server, if the server is up.
    fn opened(&mut self, conn: usize) {
        let world = &mut self.world;
        if !world.server.up {
            return world.net.carry_to_client(conn, ToClient::Close(1006), &mut world.stage);
        }
        world.net.opened(conn, &mut world.stage);
        world.server.accept(conn);
        let c = &world.net.conns[conn];
        let page = &mut self.pages[c.client];
        if c.client_listens && c.page == page.number {
            page.opened(conn, world);
        }
    }

    /// The counts of all pages so far.
    pub fn totals(&self) -> Totals {
        let mut totals = self.totals;
        for page in &self.pages {
            totals.add_page(&page.session.stats());
        }
        totals.events = self.world.stage.events;
        totals.simulated_ms = self.world.stage.now;
        totals
    }
}

/// The page that an event happens in.
fn page_of(ev: Ev, world: &World) -> Option<usize> {
    match ev {
        Ev::Arrive { conn, to_server: false } | Ev::Opened { conn } => Some(world.net.conns[conn].client),
        Ev::Timer { client, .. }
        | Ev::Work { client }
        | Ev::Publish { client }
        | Ev::Token { client, .. }
        | Ev::Reload { client, .. }
        | Ev::Thaw { client } => Some(client),
        _ => None,
    }
}
