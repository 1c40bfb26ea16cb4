// A connection to the server, and what both ways on it have in common: candidates, descriptions one
// after the other, and the repair of a path that broke. What is sent and what is received have one
// each, or share one.

const PATIENCE = 2500; // ms of a broken path before ICE is restarted: most heal by themselves
const REPAIR = 6000; // ms before it is restarted once more

// Firefox (153) that sends and receives on one connection may count requests for key frames and make
// none, for as long as it lives: who comes late does not see it. So it has two.
export const shareable = () => !('mozInnerScreenX' in globalThis);

export class Connection {
  pc = null; // until it is opened
  #configuration;
  #told; // {candidate(c), state(name), repair()}
  #last = Promise.resolve();
  #timer = 0;

  // candidate: of ours. state: of the path, as of RTCPeerConnection. repair: ICE is to be restarted.
  constructor({ice, encryption, ...told}) {
    this.#configuration = {bundlePolicy: 'max-bundle', iceServers: ice, ...encryption?.configuration};
    this.#told = told;
  }

  // Begins, also anew where the old one is gone.
  open() {
    this.close();
    const pc = this.pc = new RTCPeerConnection(this.#configuration);
    pc.addEventListener('icecandidate', ({candidate}) => this.pc === pc && candidate &&
      this.#told.candidate({candidate: candidate.candidate, mid: candidate.sdpMid}));
    pc.addEventListener('connectionstatechange', () => this.pc === pc && this.#watch());
    return pc;
  }

  // what() runs when the descriptions before it are agreed, or have failed.
  turn(what) {
    const done = this.#last.then(what);
    this.#last = done.catch(() => {});
    return done;
  }

  #watch() {
    const {connectionState} = this.pc;
    clearTimeout(this.#timer);
    this.#told.state(connectionState);
    if (connectionState !== 'disconnected' && connectionState !== 'failed') return;
    const again = () => {
      this.#told.repair();
      this.#timer = setTimeout(again, REPAIR);
    };
    this.#timer = setTimeout(again, connectionState === 'failed' ? 0 : PATIENCE);
  }

  close() {
    clearTimeout(this.#timer);
    this.pc?.close();
    this.pc = null;
  }
}
