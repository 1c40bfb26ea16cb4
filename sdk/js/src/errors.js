// What can go wrong, with a code for programs and a sentence for people.

// A refusal by the server, or the loss of it. code: of the protocol, or one of OWN.
export class RoomError extends Error {
  constructor(code, detail) {
    super(detail || SENTENCES[code] || `The server refused: ${code}.`);
    Object.assign(this, {name: 'RoomError', code});
  }

  // Whether asking again in the same way may succeed.
  get passing() {
    return PASSING.has(this.code);
  }
}

// Said here, and not by a server.
const OWN = ['unreachable', 'no_answer', 'lost', 'left', 'superseded', 'unsupported'];
export const OWN_CODES = Object.freeze([...OWN]);

const SENTENCES = {
  unreachable: 'The server cannot be reached.',
  no_answer: 'The server did not answer in time.',
  lost: 'The connection to the server was lost.',
  left: 'You have left the room.',
  superseded: 'The connection was made anew, and this was not answered before.',
  unsupported: 'This browser cannot do that.',
};
const PASSING = new Set(['unreachable', 'no_answer', 'lost', 'superseded', 'draining', 'too_many', 'shutdown', 'internal', 'glare', 'stale']);

// A camera, microphone or screen that cannot be had.
//
// code: 'denied' (by the person), 'denied_by_system', 'busy' (another program has it, or it does
// not answer), 'too_many' (no further stream can be opened), 'none' (there is no such device),
// 'gone' (the chosen one is not connected), 'cancelled' (nothing was picked), 'insecure' (the page
// is not https), 'unsupported', 'failed'.
export class DeviceError extends Error {
  constructor(code, what, cause) {
    super(WORDS[code](what, cause), {cause});
    Object.assign(this, {name: 'DeviceError', code, what});
  }
}

const WORDS = {
  denied: what => `Your browser was not allowed to use the ${what}. Allow it beside the address bar, then try again.`,
  denied_by_system: what => `The system does not let this browser use the ${what}. Allow it in the privacy settings of your system.`,
  busy: what => `The ${what} is in use by another program, or does not answer. Close the other program, then try again.`,
  too_many: what => `Too many streams are open to start the ${what}. Close other calls or tabs, then try again.`,
  none: what => `No ${what} was found on this device.`,
  gone: what => `The chosen ${what} is not connected any more.`,
  cancelled: () => 'Nothing was shared.',
  insecure: what => `Browsers give a ${what} to secure pages only: open this page by https:// or on localhost.`,
  unsupported: what => `This browser cannot capture a ${what}.`,
  failed: (what, cause) => `The ${what} cannot be used: ${cause?.message ?? 'no reason was given'}`,
};

// What the name and the words of a browser's error mean. Chromium says of a microphone that was
// opened too often "Could not start audio source"; Android's cameras are limited in number.
export function deviceCode(what, {name = '', message = '', constraint = ''} = {}) {
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      if (/system/i.test(message)) return 'denied_by_system';
      return what === 'screen' && !/policy/i.test(message) ? 'cancelled' : 'denied';
    case 'SecurityError': return 'denied';
    case 'NotFoundError':
    case 'DevicesNotFoundError': return 'none';
    case 'OverconstrainedError':
    case 'ConstraintNotSatisfiedError': return constraint && constraint !== 'deviceId' ? 'failed' : 'gone';
    case 'NotReadableError':
    case 'TrackStartError':
      return /too many|concurrent|limit|maximum/i.test(message) ? 'too_many' : 'busy';
    case 'AbortError': return /too many|concurrent|limit|maximum/i.test(message) ? 'too_many' : 'busy';
    case 'InvalidStateError': return 'denied'; // a screen without a click before it
    case 'TypeError':
    case 'NotSupportedError': return 'unsupported';
    default: return 'failed';
  }
}
