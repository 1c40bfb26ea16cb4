// usage: REDIS_URL=redis://127.0.0.1:6379 PORT=3000 node backend.mjs
//
// A video room for two whose back end talks to Sluice through Redis alone (docs/redis.md). Browsers
// reach the back end by HTTP: what they say is posted, what they are told comes as events. Who may come
// into which room is for a real one to find out, where this one asks nobody.

import {randomUUID} from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import {createClient} from '@redis/client';

const {REDIS_URL: url = 'redis://127.0.0.1:6379', PORT: port = 3000} = process.env;
const ROOM = 'sluice:room:', REQUESTS = 'sluice:requests', ANSWERS = 'sluice:answers:';
const PEOPLE = 2, UNUSED = 3600; // s
const GRACE = 8000, RETRY = 1000; // ms in which a page whose events broke off may come back, and after which it tries
const page = new URL('page.html', import.meta.url);

const redis = createClient({url}), listener = redis.duplicate();
for (const c of [redis, listener]) {
  c.on('error', error => console.error(`redis: ${error.message}`)); // it connects again by itself
  await c.connect();
}

// The dictionary, as Sluice keeps it. Null: there is no such room.
async function roomInfo(id) {
  const {occupancyCount, occupants} = await redis.hGetAll(ROOM + id);
  return occupants === undefined ? null : {occupancyCount: Number(occupancyCount), occupants: JSON.parse(occupants)};
}

// A room is there as soon as it has a dictionary; when the first comes in, Sluice takes that over.
async function createRoom() {
  const roomID = randomUUID();
  await redis.multi().hSet(ROOM + roomID, {occupancyCount: 0, occupants: '{}'}).expire(ROOM + roomID, UNUSED).exec();
  return {roomID, ...await roomInfo(roomID)};
}

// To Sluice; 0: nobody hears it just now.
const say = (roomID, clientID, message) => redis.publish(REQUESTS, JSON.stringify({...message, clientID, roomID}));

// Whose pages hear events. A place in the room is theirs from before Sluice hears of them, so that of two who come
// at once only one is the host, and only as many are let in as there are places.
const clients = new Map(); // channel: {roomID, clientID, place: 'host', 'guest' or none, response, waiting, ready, timer}
const channelOf = (roomID, clientID) => `${ANSWERS}${roomID}:${clientID}`;

function come(roomID, clientID) {
  const channel = channelOf(roomID, clientID), client = {roomID, clientID, waiting: []};
  client.pass = message => {
    if (JSON.parse(message).type === 'left') client.place = null;
    if (client.response) client.response.write(`data: ${message}\n\n`);
    else client.waiting.push(message);
  };
  client.leave = () => {
    const {response} = client;
    client.response = null;
    clients.delete(channel);
    listener.unsubscribe(channel, client.pass);
    response?.end();
    return say(roomID, clientID, {type: 'leave'});
  };
  clients.set(channel, client);
  client.ready = listener.subscribe(channel, client.pass);
  return client;
}

// What Sluice tells one client: a line of events for each message. Where they break off they wait for a while.
async function tell(roomID, clientID, request, response) {
  response.writeHead(200, {'content-type': 'text/event-stream', 'cache-control': 'no-store'});
  const known = clients.get(channelOf(roomID, clientID)), client = known ?? come(roomID, clientID);
  clearTimeout(client.timer);
  client.response = response;
  request.on('close', () => {
    if (client.response !== response) return;
    client.response = null;
    client.timer = setTimeout(client.leave, GRACE);
  });
  await client.ready;
  response.write(`retry: ${RETRY}\nevent: ready\ndata: ${known ? 'again' : 'new'}\n\n`);
  client.waiting.splice(0).forEach(client.pass);
}

// By the dictionary, and by those whom it does not have yet.
function takePlace(client, {occupancyCount, occupants}) {
  const coming = [...clients.values()].filter(c => c.roomID === client.roomID && c.place && !occupants[c.clientID] && c !== client);
  const taken = occupancyCount + coming.length - (client.clientID in occupants);
  if (taken < PEOPLE) client.place ??= taken ? 'guest' : 'host';
  return client.place;
}

async function read(request) {
  let text = '';
  for await (const part of request.setEncoding('utf8'))
    if ((text += part).length > 256 * 1024) throw new Error('too long');
  return JSON.parse(text);
}

// What a browser whose page hears events says. Only an offer lets anybody in, and only as long as there is a place.
async function hear(roomID, clientID, request) {
  const {type, payload} = await read(request);
  const room = await roomInfo(roomID);
  if (!room) return [404, {error: 'no such room'}];
  const client = clients.get(channelOf(roomID, clientID));
  if (!client) return [409, {error: 'no events are heard'}];
  if (type === 'leave') return [202, client.leave() && {}];
  if (!['offer', 'answer', 'candidate'].includes(type)) return [400, {error: 'type'}];
  if (type === 'offer' && !takePlace(client, room)) return [409, {error: 'full'}];
  const isHost = client.place === 'host';
  const heard = await say(roomID, clientID, type === 'offer' ? {type, payload, isHost, offers: true} : {type, payload});
  return heard ? [202, {}] : [503, {error: 'the media server is away; try again'}];
}

const name = '([A-Za-z0-9_~-]{1,64})';
async function answer(request, response) {
  const path = new URL(request.url, 'http://localhost').pathname;
  const [, roomID, clientID, events] = new RegExp(`^/room/${name}(?:/${name}(/events)?)?$`).exec(path) ?? [];
  const json = (status, value) => response.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(value));
  if (request.method === 'POST' && path === '/room/create') json(201, await createRoom());
  else if (request.method === 'POST' && clientID && !events) json(...await hear(roomID, clientID, request));
  else if (request.method === 'GET' && events) await tell(roomID, clientID, request, response);
  else if (request.method === 'GET' && roomID && !clientID) {
    const room = await roomInfo(roomID);
    json(room ? 200 : 404, room);
  } else if (request.method === 'GET' && path === '/')
    response.writeHead(200, {'content-type': 'text/html; charset=utf-8'}).end(fs.readFileSync(page));
  else json(404, {error: 'no such page'});
}

const server = http.createServer((request, response) => answer(request, response).catch(error => {
  console.error(error.message);
  response.headersSent ? response.end() : response.writeHead(500).end();
}));
server.listen(port, () => console.log(`http://127.0.0.1:${server.address().port}/`));
