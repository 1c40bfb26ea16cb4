// The messages that are published for the room WebSocket, docs/rooms.asyncapi.yaml. What scripts are told and
// what they were answered for is held against it, and all that the SDK says and hears in browsers.

import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const require = createRequire(new URL('../browser/', import.meta.url));
const {default: Ajv} = require('ajv/dist/2020.js');
const {default: OldAjv} = require('ajv');
const {parse} = require('yaml');

const published = parse(readFileSync(new URL('../../docs/rooms.asyncapi.yaml', import.meta.url), 'utf8'));

// What has properties has no others: so a field of which nothing is published is found.
export function closed(schema) {
  if (!schema || typeof schema !== 'object') return schema;
  if (Array.isArray(schema)) return schema.map(closed);
  const ret = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return ret.type === 'object' && ret.properties ? {additionalProperties: false, ...ret} : ret;
}

// Of which scripts have no need or no media; the SDK in browsers says or hears each.
export const BY_BROWSERS = `ask_answer ask_candidate ask_restart ask_mute ask_update ask_want ask_subscribe ask_close
  ask_leave say_track_started say_track_updated say_track_ended say_speakers say_quality say_wanted
  say_muted`.split(/\s+/);

const ajv = new Ajv({allErrors: true, discriminator: false, strictTypes: false, schemas: [{$id: '/', components: closed(published.components)}]});
ajv.addVocabulary(['components']);
const seen = new Set(), wrong = [];

// way: 'say' for what the server says, 'ask' for what it was asked and did. What is wrong is told at the end.
export function hold(way, message) {
  const name = `${way}_${message.type}`, is = ajv.getSchema(`/#/components/messages/${name}/payload`);
  seen.add(name);
  if (!is) wrong.push(`nothing is published of ${name}`);
  else if (!is(message)) wrong.push(`${JSON.stringify(message).slice(0, 300)}: ${ajv.errorsText(is.errors)}`);
}

export const differences = () => wrong;

// Those of which nobody has seen one yet.
export const unseen = () => Object.keys(published.components.messages).filter(name => !seen.has(name));

// Whether the document is what it says that it is; the complaints.
export function complaints() {
  const meta = new OldAjv({strict: false, validateFormats: false, validateSchema: false, meta: false});
  const is = meta.compile(require('@asyncapi/specs/schemas/3.0.0.json'));
  return is(published) ? '' : meta.errorsText(is.errors);
}
