// A call of Mattermost's published browser peer, through the server in rtcd's place. RTCD names another
// server, such as the real one.

import assert from 'node:assert/strict';
import {startPlugin} from './plugin.mjs';
import {call, COLORS, hears, sees, until} from './rig.mjs';
import {startServer} from './server.mjs';

// A page with a session in the call; it can be heard at its own frequency and shows its own colour.
export async function caller(browser, plugin, callID, {color, frequency, id, simulcast}) {
  const page = await browser.page(`${browser.origin}/caller.html`);
  await page.waitForFunction(() => window.rig?.enter);
  await call(page, 'make', {color: COLORS[color], frequency, id, width: 1280, height: 720});
  const session = plugin.join(callID, data => page.evaluate(
    d => window.rig.signal('me', d).catch(e => window.rig.states.me.push(`signal: ${e.message}`)), data).catch(() => {}));
  await page.exposeFunction('toPlugin', (_, type, data) => session.tell(type, data));
  await call(page, 'enter', 'me', {simulcast});
  return {page, session, color, frequency, id,
    connected: () => call(page, 'connected', 'me'),
    unmute: () => call(page, 'unmute', 'me', 'local'),
    setMuted: async muted => {
      await call(page, 'setMuted', 'me', 'local', muted);
      session.tell(muted ? 'mute' : 'unmute');
    },
    share: async () => {
      session.tell('screenOn', JSON.stringify({screenStreamID: await call(page, 'prepareScreen', 'me', 'local')}));
      await call(page, 'startScreen', 'me');
    },
    stopSharing: async () => {
      await call(page, 'stopScreen', 'me');
      session.tell('screenOff');
    },
    hears: (other, absent = []) => hears(page, 'me-audio', other.frequency, {absent, timeout: 20000}),
    sees: other => sees(page, 'me-video', other.color, {id: other.id, timeout: 20000}),
    leave: async () => {
      session.leave();
      await until('told of the end', () => ({ok: session.closed, value: session.closed}));
      await page.close();
    }};
}

async function aCall({origin, browser, test, callID, simulcast}) {
  const kind = simulcast ? 'simulcast' : 'plain';
  const plugin = await startPlugin(origin);
  let a, b, c;
  await test(`${kind}: two pages join and connect`, async () => {
    a = await caller(browser, plugin, callID, {color: 'red', frequency: 440, id: 41, simulcast});
    b = await caller(browser, plugin, callID, {color: 'cyan', frequency: 1000, id: 42, simulcast});
    await Promise.all([a.connected(), b.connected()]);
  });
  await test(`${kind}: pings are answered on the data channel`, () => until('a round trip', async () => {
    const value = await call(a.page, 'rtt', 'me');
    return {value, ok: value > 0};
  }));
  await test(`${kind}: a voice is heard by the other`, async () => {
    await a.unmute();
    await b.hears(a, [1000]);
  });
  await test(`${kind}: and the other's by the first`, async () => {
    await b.unmute();
    await a.hears(b, [440]);
  });
  await test(`${kind}: who is muted is not heard, and is again`, async () => {
    await a.setMuted(true);
    await until('silence', async () => {
      const value = await call(b.page, 'hear', 'me-audio', [440]);
      return {value, ok: value && value[0] < -80};
    });
    await a.setMuted(false);
    await b.hears(a, [1000]);
  });
  await test(`${kind}: a screen is seen`, async () => {
    await a.share();
    return JSON.stringify(await b.sees(a));
  });
  await test(`${kind}: who comes later sees and hears what there is`, async () => {
    c = await caller(browser, plugin, callID, {color: 'yellow', frequency: 2500, id: 43, simulcast});
    await c.connected();
    await c.sees(a);
  });
  await test(`${kind}: when the screen is off, another may show one`, async () => {
    await a.stopSharing();
    await b.share();
    await a.sees(b);
    await c.sees(b);
  });
  await test(`${kind}: all leave, and are told`, async () => {
    for (const x of [c, b, a]) await x.leave();
  });
  for (const x of [a, b, c])
    if (x && !x.page.isClosed()) {
      console.log(`     ${JSON.stringify(await x.page.evaluate(() => window.rig.states.me).catch(() => null))}`);
      await x.page.close();
    }
  plugin.close();
}

export default async function ({browsers, test}) {
  const browser = await browsers('chromium');
  const own = !process.env.RTCD &&
    await startServer({name: 'calls', env: {RTCD_API_SECURITY_ALLOWSELFREGISTRATION: 'true'}});
  const origin = own ? own.adminOrigin : process.env.RTCD;
  await aCall({origin, browser, test, callID: 'plain'});
  await aCall({origin, browser, test, callID: 'levels', simulcast: true});
  if (own) await test('the server of the calls ends when told', () => own.stop());
}
