// usage: REDIS_URL=redis://127.0.0.1:6379 PORT=3000 node backend.mjs
//
// A video room for two whose back end talks to Sluice through Redis alone (docs/redis.md). Browsers reach the back
// end by HTTP: what they say is posted, what they are told comes as events. Anybody may come into any room.

import {randomUUID} from 'node:crypto';
import {fileURLToPath} from 'node:url';
import {createClient} from '@redis/client';
import express from 'express';

const {REDIS_URL: url = 'redis://127.0.0.1:6379', PORT: port = 3000} = process.env;
const ROOM = 'sluice:room:', REQUESTS = 'sluice:requests', ANSWERS = 'sluice:answers:';
const PEOPLE = 2, UNUSED = 3600; // s
const GRACE = 8000, RETRY = 1000; // ms in which a page whose events broke off may come back, and after which it tries
const redis = createClient({url}), listener = redis.duplicate();
for (const c of [redis, listener]) // they connect again by themselves
  await c.on('error', error => console.error(`redis: ${error.message}`)).connect();

// The dictionary, as Sluice keeps it. Undefined: there is no such room.
async function roomInfo(id) {
  const {occupancyCount, occupants} = await redis.hGetAll(ROOM + id);
  return occupants && {occupancyCount: Number(occupancyCount), occupants: {__proto__: null, ...JSON.parse(occupants)}};
}

// Whose page hears events. A place in the room is theirs from before Sluice hears of them, so that of two who come
// at once only one is the host, and only as many are let in as there are places.
const clients = new Map(); // by channel
const channelOf = ({roomID, clientID}) => `${ANSWERS}${roomID}:${clientID}`;
class Client {
  place = null; // 'host' or 'guest'
  waiting = []; // what Sluice said while no page heard it
  constructor(params) {
    Object.assign(this, params);
    clients.set(channelOf(this), this);
    this.ready = listener.subscribe(channelOf(this), this.hear);
  }
  hear = message => {
    if (JSON.parse(message).type === 'left') this.place = null;
    if (this.response) this.response.write(`data: ${message}\n\n`);
    else this.waiting.push(message);
  };
  // To Sluice; 0: nobody hears it just now.
  say = message => redis.publish(REQUESTS, JSON.stringify({...message, clientID: this.clientID, roomID: this.roomID}));
  leave = () => {
    clients.delete(channelOf(this));
    listener.unsubscribe(channelOf(this), this.hear);
    this.response?.end();
    this.response = null;
    return this.say({type: 'leave'});
  };
  // By the dictionary, and by those whom it does not have yet.
  takePlace({occupancyCount, occupants}) {
    const coming = [...clients.values()].filter(c => c !== this && c.roomID === this.roomID && c.place && !occupants[c.clientID]);
    const taken = occupancyCount + coming.length - (this.clientID in occupants);
    return this.place ??= !taken ? 'host' : taken < PEOPLE ? 'guest' : null;
  }
}

const app = express().use(express.json({type: () => true, limit: '256kb'}));
app.param('clientID', (request, response, next, id) => next(/^[A-Za-z0-9_~-]{1,64}$/.test(id) ? undefined : 'route'));
app.param('roomID', async (request, response, next, id) => next((request.room = await roomInfo(id)) ? undefined : 'route'));

app.get('/', (request, response) => response.sendFile(fileURLToPath(new URL('page.html', import.meta.url))));
app.get('/room/:roomID', ({room}, response) => response.json(room));

// A room is there as soon as it has a dictionary; when the first comes in, Sluice takes that over.
app.post('/room/create', async (request, response) => {
  const roomID = randomUUID();
  await redis.multi().hSet(ROOM + roomID, {occupancyCount: 0, occupants: '{}'}).expire(ROOM + roomID, UNUSED).exec();
  response.status(201).json({roomID, ...await roomInfo(roomID)});
});

// What Sluice tells one client: a line of events for each message. Where they break off they wait for a while.
app.get('/room/:roomID/:clientID/events', async ({params}, response) => {
  const known = clients.get(channelOf(params)), client = known ?? new Client(params);
  clearTimeout(client.timer);
  client.response = response.type('text/event-stream').set('cache-control', 'no-store');
  response.on('close', () => {
    if (client.response !== response) return;
    client.response = null;
    client.timer = setTimeout(client.leave, GRACE);
  });
  await client.ready;
  response.write(`retry: ${RETRY}\nevent: ready\ndata: ${known ? 'again' : 'new'}\n\n`);
  client.waiting.splice(0).forEach(client.hear);
});

// What a browser whose page hears events says. Only an offer lets anybody in, and only as long as there is a place.
app.post('/room/:roomID/:clientID', async ({params, room, body: {type, payload} = {}}, response) => {
  const client = clients.get(channelOf(params)), no = (status, error) => response.status(status).json({error});
  if (!client) return no(409, 'no events are heard');
  if (!['offer', 'answer', 'candidate', 'leave'].includes(type)) return no(400, 'type');
  if (type === 'offer' && !client.takePlace(room)) return no(409, 'full');
  const more = type === 'offer' && {isHost: client.place === 'host', offers: true};
  const heard = await (type === 'leave' ? client.leave() : client.say({type, payload, ...more}));
  return heard ? response.status(202).json({}) : no(503, 'the media server is away; try again');
});

app.use((request, response) => response.status(404).json({error: 'no such room'}));
const server = app.listen(port, () => console.log(`http://127.0.0.1:${server.address().port}/`));
