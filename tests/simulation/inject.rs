//! Injects faults each half second: into connections, the server, its logs, the pages.

use crate::network::{ToClient, ToServer};
use crate::page::Page;
use crate::run::Run;
use crate::stage::Ev;
use seamline::wire::close;

const EVERY_MS: u64 = 500;
/// After these a client reconnects. Codes that blame a frame of the client are only used for bad publications.
const ODD_CODES: [u16; 6] =
    [close::NORMAL, close::GOING_AWAY, 1011, close::TRY_AGAIN_LATER, close::HELLO_TIMEOUT, 4999];
/// After these it must not.
const FATAL_CODES: [u16; 2] = [close::FORBIDDEN, close::REPLACED];
const FREEZE_MS_MAX: u64 = 90_000;
const BUSY_MS_MAX: u64 = 3_000;
const CLOCK_FORWARD_MS_MAX: u64 = 3_600_000;
/// A page's driver lets its clock run backwards no further than rounding does.
const CLOCK_BACK_MS_MAX: u64 = 50;

impl Run {
    pub fn inject_faults(&mut self) {
        if self.world.stage.now >= self.world.stage.faults.faults_ms {
            return;
        }
        self.inject_connection_faults();
        self.inject_server_faults();
        self.inject_log_faults();
        for client in 0..self.pages.len() {
            let page = &self.pages[client];
            if page.frozen_until.max(page.busy_until) <= self.world.stage.now {
                self.inject_page_faults(client);
            }
        }
        self.world.stage.after(EVERY_MS, Ev::InjectFaults);
    }

    fn inject_connection_faults(&mut self) {
        let world = &mut self.world;
        let (net, stage) = (&mut world.net, &mut world.stage);
        for conn in net.served() {
            if stage.rng.chance(stage.faults.cut) {
                stage.note("network cuts connection", &[conn as u64]);
                net.cut(conn, stage);
            }
            if stage.rng.chance(stage.faults.half_open) {
                stage.note("network swallows all of connection", &[conn as u64]);
                net.half_open(conn, stage);
            }
            if stage.rng.chance(stage.faults.stall) {
                stage.note("network stalls connection", &[conn as u64]);
                net.stall(conn, stage);
            }
        }
    }

    fn inject_server_faults(&mut self) {
        let world = &mut self.world;
        let (net, server, stage) = (&mut world.net, &mut world.server, &mut world.stage);
        if !server.up {
            return;
        }
        if stage.rng.chance(stage.faults.crash) {
            return server.crash(net, stage);
        }
        if stage.rng.chance(stage.faults.drain) {
            server.drain(net, stage);
        }
        for conn in server.conns() {
            if stage.faults.has_token
                && stage.rng.chance(stage.faults.token_expires)
                && server.peers[&conn].welcomed
            {
                stage.note("token expires on connection", &[conn as u64]);
                server.close(conn, close::UNAUTHORIZED, net, stage);
            }
        }
        self.inject_closes_and_frames();
    }

    /// What a server, or something in front of it, does to a connection without being asked.
    fn inject_closes_and_frames(&mut self) {
        let world = &mut self.world;
        let (net, server, stage) = (&mut world.net, &mut world.server, &mut world.stage);
        for conn in server.conns() {
            if stage.rng.chance(stage.faults.bad_frame) {
                stage.note("server sends what is no frame", &[conn as u64]);
                net.carry_to_client(conn, ToClient::BadFrame, stage);
            }
            if stage.rng.chance(stage.faults.unknown_frame) {
                net.carry_to_client(conn, ToClient::UnknownFrame, stage);
            }
            let odd = stage.rng.chance(stage.faults.odd_close);
            if odd || stage.rng.chance(stage.faults.fatal_close) {
                let codes: &[u16] = if odd { &ODD_CODES } else { &FATAL_CODES };
                let code = codes[stage.rng.below(codes.len() as u64) as usize];
                stage.note("server closes connection, code", &[conn as u64, code.into()]);
                server.close(conn, code, net, stage);
            }
        }
    }

    fn inject_log_faults(&mut self) {
        let world = &mut self.world;
        let (net, server, stage) = (&mut world.net, &mut world.server, &mut world.stage);
        if !server.up {
            return;
        }
        for ch in 0..server.logs.len() {
            if stage.rng.chance(stage.faults.new_epoch_while_up) {
                server.replace_log(ch, stage);
            }
            if stage.rng.chance(stage.faults.trim) {
                server.trim(ch, stage);
            }
            if stage.rng.chance(stage.faults.node_stuck) {
                stage.note("node is stuck on channel", &[ch as u64]);
                let behind = stage.rng.below(3);
                server.logs[ch].stick(behind);
            }
            if stage.rng.chance(stage.faults.lose_messages) {
                server.lose_messages(ch, stage);
            }
            for conn in server.conns() {
                if stage.rng.chance(stage.faults.log_error) {
                    server.fail_feed(conn, ch, net, stage);
                }
            }
        }
    }

    fn inject_page_faults(&mut self, client: usize) {
        let (page, world) = (&mut self.pages[client], &mut self.world);
        let index = client as u64;
        if world.stage.rng.chance(world.stage.faults.wake) {
            page.call(world, |session, now| session.handle_wake(now));
        }
        if world.stage.rng.chance(world.stage.faults.hide) {
            page.call(world, |session, now| session.handle_hide(now));
        }
        if world.stage.rng.chance(world.stage.faults.throttle) {
            page.throttled = !page.throttled;
            world.stage.note("client is throttled, or no more", &[index, page.throttled.into()]);
        }
        if world.stage.rng.chance(world.stage.faults.clock_jump) {
            let back = world.stage.rng.chance(300);
            let max = if back { CLOCK_BACK_MS_MAX } else { CLOCK_FORWARD_MS_MAX };
            let jump_ms = world.stage.rng.between(1, max);
            page.clock_skew_ms += if back { -(jump_ms as i64) } else { jump_ms as i64 };
            world.stage.note("client has another clock, back, by", &[index, back.into(), jump_ms]);
        }
        if world.stage.rng.chance(world.stage.faults.busy) {
            page.busy_until = world.stage.now + world.stage.rng.between(100, BUSY_MS_MAX);
            world.stage.note("client is busy until", &[index, page.busy_until]);
        }
        let suspended = world.stage.rng.chance(world.stage.faults.suspend);
        if suspended {
            world.stage.note("client goes into the back/forward cache", &[index]);
            page.suspend(world);
        }
        if suspended || world.stage.rng.chance(world.stage.faults.freeze) {
            page.frozen_until = world.stage.now + world.stage.rng.between(100, FREEZE_MS_MAX);
            world.stage.note("client is frozen until", &[index, page.frozen_until]);
            world.stage.at(page.frozen_until, Ev::Thaw { client });
        } else if world.stage.rng.chance(world.stage.faults.reload) && !page.app.rewind_waits() {
            self.reload(client);
        }
    }

    /// A new page takes the place of the old one, with what its application has stored.
    pub fn reload(&mut self, client: usize) {
        let (page, world) = (&mut self.pages[client], &mut self.world);
        world.stage.note("client reloads", &[client as u64]);
        match world.stage.rng.below(3) {
            0 => page.call(world, |session, now| session.handle_hide(now)),
            1 => page.close(world),
            _ => {}
        }
        if let Some((_, conn)) = page.conn {
            world.net.carry_to_server(conn, ToServer::Close, &mut world.stage);
        }
        let page = self.pages.remove(client);
        self.totals.add_page(&page.session.stats());
        let forgets = world.stage.rng.chance(world.stage.faults.forgets);
        let next = page.app.reloaded(forgets);
        let page = Page::new(client, page.number + 1, next, page.clock_skew_ms, &mut world.stage);
        self.pages.insert(client, page);
        self.start(client);
    }
}
