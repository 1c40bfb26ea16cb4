// Members of rooms, in pages of real browsers: what a test says, in the words of a test.

import {call, COLORS, hears, LIMIT, sees, until} from '../../browser/rig.mjs';
import {hold} from '../schema.mjs';

export const inPage = (page, method, ...args) => page.evaluate((m, a) => window.member[m](...a), method, args);

const pages = new Set();

// What was said in it, and in all: held against the schema.
async function review(page) {
  for (const [way, message] of await inPage(page, 'said')) hold(way, message);
}
export const reviewAll = () => Promise.all([...pages].map(page => !page.isClosed() && review(page)));

// A page that members can be in, in a window of its own: what nobody can see is not sent.
export async function pageFor(browser) {
  const page = await (await browser.browser.createBrowserContext()).newPage();
  page.setDefaultTimeout(LIMIT);
  page.on('pageerror', e => console.log(`     ${browser.kind}: ${e.message}`));
  await page.goto(browser.origin);
  await page.waitForFunction(() => window.rig?.loop);
  await page.addScriptTag({url: '/rooms/member.js', type: 'module'});
  await page.waitForFunction(() => window.member);
  pages.add(page);
  return page;
}

let ids = 100;

// One who has joined, and sends what is told: color and frequency, or neither.
export async function person(server, page, {name, room, color, frequency, width = 320, height = 180, fps = 15, publish = {}, ...options}) {
  const id = ids++ % 200;
  if (color || frequency) await call(page, 'make', {name, color: color && COLORS[color], frequency, id, width, height, fps});
  const said = await inPage(page, 'join', {name, room, url: server.origin, ...options});
  if (said.refused) throw Object.assign(new Error(`${name}: ${said.refused}: ${said.detail}`), said);
  const p = {name, page, color, frequency, id, ...said,
    publish: how => inPage(page, 'publish', name, how),
    // What stands for a screen: a picture of its own. Browsers show the real one without colours or stamps, and some
    // to nobody who has not clicked.
    screen: async color => {
      const it = {name, color, id: ids++ % 200, from: `${name}'s screen`};
      await call(page, 'make', {name: it.from, color: COLORS[color], id: it.id, width: 320, height: 180, fps: 10});
      return it;
    },
    does: (method, ...args) => inPage(page, method, name, ...args),
    log: () => inPage(page, 'log', name),
    state: () => inPage(page, 'state', name),
    // The other's picture, by colour and stamp; and sound, by its tone and no other's.
    sees: (other, {source = 'camera', timeout = 30000, stamped = true} = {}) =>
      sees(page, `${name}/${other.name}/${source}`, other.color, {id: stamped ? other.id : undefined, timeout}),
    hears: (other, absent = [], {timeout = 30000} = {}) => hears(page, `${name}/${other.name}/microphone`, other.frequency,
      {absent: absent.map(a => a.frequency), timeout}),
    deaf: other => call(page, 'deaf', `${name}/${other.name}/microphone`),
    hearsNot: other => until(`${name} does not hear ${other.name}`, async () => {
      const value = await call(page, 'hear', `${name}/${other.name}/microphone`, [other.frequency]);
      return {value, ok: value && value[0] < -70};
    }, 15000),
    until: (what, ok, timeout = 30000) => until(`${name}: ${what}`, async () => {
      const value = await inPage(page, 'state', name);
      return {value, ok: ok(value)};
    }, timeout),
    logged: (what, ok, timeout = 30000) => until(`${name}: ${what}`, async () => {
      const value = await inPage(page, 'log', name);
      return {value, ok: value.find(ok)};
    }, timeout),
    leave: async () => {
      await inPage(page, 'leave', name);
      await review(page);
    },
  };
  if (frequency) await must(p.publish({source: 'microphone', from: name}));
  if (color) await must(p.publish({source: 'camera', from: name, ...publish}));
  return p;
}

export async function must(published) {
  const said = await published;
  if (said?.refused) throw new Error(`${said.refused}: ${said.detail}`);
}
