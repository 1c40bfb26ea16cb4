// A publisher and a viewer, each in a page of its own, as most suites want them.

import {call, COLORS, hears, sees} from './rig.mjs';

let streams = 0;

// Publishes a picture and a sound of its own into the room.
export async function publisher(server, browser, {room, color = 'green', frequency = 440,
                                                   id = 1 + streams % 200, token, codec, simulcast, encodings,
                                                   width, height, fps, page, camera, via} = {}) {
  const stream = `s${++streams}`;
  page ??= await browser.page();
  await call(page, 'make', {color: !camera && color && COLORS[color], camera, frequency, id,
    width, height, fps});
  await call(page, 'publish', 'pub', {url: server.whip(room, stream),
    token: token ?? await server.token({room, publish: true}), codec, simulcast, encodings, via});
  await call(page, 'connected', 'pub');
  return {page, room, stream, color, frequency, id,
    stats: () => call(page, 'stats', 'pub'),
    restart: () => call(page, 'restart', 'pub'),
    stop: async () => {
      await call(page, 'stop', 'pub');
      await page.close();
    }};
}

// Watches what a publisher sends. key tells several viewers of one page apart; via: of a relay
// that media goes through; recorded: keeps what comes, frame by frame.
export async function viewer(server, browser, of, {page, key = 'sub', token, via, recorded} = {}) {
  const own = !page;
  page ??= await browser.page();
  await call(page, 'watch', key, {url: server.whep(of.room, of.stream),
    token: token ?? await server.token({room: of.room, watch: true}), via, recorded});
  await call(page, 'connected', key);
  return {page, key,
    recorded: () => call(page, 'recorded', key),
    stats: () => call(page, 'stats', key),
    restart: () => call(page, 'restart', key),
    wish: members => call(page, 'wish', key, members),
    wishFor: (members, height) => call(page, 'wishFor', key, members, height),
    tracks: () => call(page, 'tracks', key),
    sees: (timeout = 15000) => sees(page, key, of.color, {id: of.id, timeout}),
    hears: (absent = []) => hears(page, key, of.frequency, {absent, timeout: 15000}),
    stop: async () => {
      await call(page, 'stop', key);
      if (own) await page.close();
    }};
}
