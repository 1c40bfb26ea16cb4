package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattermost/rtcd/service"
	"github.com/mattermost/rtcd/service/rtc"
	"github.com/mattermost/rtcd/service/rtc/dc"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// The other end of one session: what a browser's peer does, with Pion, signalled over the node's
// WebSocket, or on the data channel (channel.go). Only change asks for the lock.
type agent struct {
	n       *node
	board   *switchboard
	call    string
	session string
	pc      *webrtc.PeerConnection
	dc      *webrtc.DataChannel
	talk    talk
	voice   *webrtc.RTPSender
	deaf    atomic.Bool // to offers
	patient bool        // it does not ask for key frames
	restart bool        // its next offer begins ICE anew
	reading sync.Mutex  // what comes on its data channel; had by who keeps it from that

	ears

	mu      sync.Mutex
	offers  int      // of the server, that were taken
	answers int      // to them, that were sent
	events  []string // "on", "off"
	closed  bool
	failure error
	paths   []string // candidates one by one, or else those of the answer
}

// Takes a node's messages apart by session.
type switchboard struct {
	mu     sync.Mutex
	agents map[string]*agent
	stop   chan struct{}
}

func newSwitchboard(n *node) *switchboard {
	b := &switchboard{agents: map[string]*agent{}, stop: make(chan struct{})}
	go func() {
		for {
			select {
			case msg, open := <-n.ReceiveCh():
				if !open {
					return
				}
				b.take(msg)
			case <-b.stop:
				return
			}
		}
	}()
	return b
}

func (b *switchboard) take(msg service.ClientMessage) {
	var session string
	switch data := msg.Data.(type) {
	case rtc.Message:
		session = data.SessionID
	case map[string]string:
		session = data["sessionID"]
	}
	b.mu.Lock()
	a := b.agents[session]
	b.mu.Unlock()
	if a != nil {
		a.take(msg)
	}
}

// Of what comes on its data channel the other end keeps `window` octets that nobody has read; 0: what is usual.
func newAPI(over []webrtc.NetworkType, on *street, window uint32) (*webrtc.API, error) {
	m := &webrtc.MediaEngine{}
	must(m.RegisterDefaultCodecs())
	for _, uri := range []string{"urn:ietf:params:rtp-hdrext:sdes:mid",
		"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
		"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"} {
		must(m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
	}
	must(m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{
		URI: "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}, webrtc.RTPCodecTypeAudio))
	i := &interceptor.Registry{}
	must(webrtc.RegisterDefaultInterceptors(m, i))
	s := webrtc.SettingEngine{}
	s.EnableSCTPZeroChecksum(true)
	s.SetSCTPMaxReceiveBufferSize(window)
	s.SetIncludeLoopbackCandidate(true)
	if over == nil {
		over = []webrtc.NetworkType{webrtc.NetworkTypeUDP4}
	}
	s.SetNetworkTypes(over)
	if on != nil {
		door, err := on.door()
		if err != nil {
			return nil, err
		}
		s.SetNet(door)
		s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(i),
		webrtc.WithSettingEngine(s)), nil
}

// Joins the call and connects, with a data channel, if it is not one that only sends, and, if voice is
// not nil, that from the start.
func (n *node) enter(b *switchboard, call, session string, voice *track) (*agent, error) {
	api, err := newAPI(n.over, n.street, n.window)
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	a := &agent{n: n, board: b, call: call, session: session, pc: pc, talk: newTalk(), patient: n.patient}
	b.mu.Lock()
	b.agents[session] = a
	b.mu.Unlock()
	if err := n.join(call, session); err != nil {
		return nil, err
	}
	up := make(chan struct{})
	open := make(chan struct{})
	var once sync.Once // a busy machine may lose it, and find it again
	pc.OnConnectionStateChange(func(st webrtc.PeerConnectionState) {
		if st == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(up) })
		}
	})
	pc.OnTrack(a.onTrack)
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c != nil {
			text, _ := json.Marshal(c.ToJSON())
			_ = n.rtc(session, rtc.ICEMessage, string(text))
		}
	})
	if a.deaf.Store(n.onlySends); n.onlySends {
		close(open)
	} else if a.dc, err = pc.CreateDataChannel("calls-dc", nil); err != nil {
		return nil, err
	} else {
		a.dc.OnOpen(func() { close(open) })
		a.dc.OnMessage(a.takeChannel)
	}
	if voice != nil {
		if a.voice, err = pc.AddTrack(voice.local); err != nil {
			return nil, err
		}
	}
	if err := a.offer(); err != nil {
		return nil, err
	}
	for _, c := range []chan struct{}{up, open} {
		select {
		case <-c:
		case <-time.After(wait):
			return nil, fmt.Errorf("%s is not connected within %v", session, wait)
		}
	}
	return a, nil
}

func (a *agent) offer() error {
	o, err := a.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: a.restart})
	a.restart = false
	if err != nil {
		return err
	}
	if err := a.pc.SetLocalDescription(o); err != nil {
		return err
	}
	return a.describe(o)
}

func (a *agent) describe(d webrtc.SessionDescription) error {
	text, err := json.Marshal(d)
	must(err)
	if a.n.viaChannel && a.dc.ReadyState() == webrtc.DataChannelStateOpen {
		return a.say(dc.MessageTypeSDP, text)
	}
	return a.n.rtc(a.session, rtc.SDPMessage, string(text))
}

func (a *agent) take(msg service.ClientMessage) {
	a.mu.Lock()
	if msg.Type == service.ClientMessageClose {
		a.closed = true
	}
	a.mu.Unlock()
	m, is := msg.Data.(rtc.Message)
	if !is {
		return
	}
	switch m.Type {
	case rtc.VoiceOnMessage, rtc.VoiceOffMessage:
		what := map[rtc.MessageType]string{rtc.VoiceOnMessage: "on", rtc.VoiceOffMessage: "off"}[m.Type]
		if msg.Type != service.ClientMessageVAD || m.CallID != a.call || m.UserID != "user-"+a.session {
			what = fmt.Sprintf("%s %s of %s in %s", msg.Type, what, m.UserID, m.CallID)
		}
		a.mu.Lock()
		a.events = append(a.events, what)
		a.mu.Unlock()
	case rtc.ICEMessage:
		var wrapped struct{ Candidate webrtc.ICECandidateInit }
		if json.Unmarshal(m.Data, &wrapped) == nil {
			a.mu.Lock()
			a.paths = append(a.paths, wrapped.Candidate.Candidate)
			a.mu.Unlock()
			_ = a.pc.AddICECandidate(wrapped.Candidate)
		}
	case rtc.SDPMessage:
		if err := a.takeDescription(m.Data, "ws"); err != nil {
			a.mu.Lock()
			a.failure = err
			a.mu.Unlock()
		}
	}
}

func (a *agent) takeDescription(data []byte, by string) error {
	var d webrtc.SessionDescription
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	if a.deaf.Load() && d.Type == webrtc.SDPTypeOffer {
		return nil
	}
	a.talk.turn.Lock()
	defer a.talk.turn.Unlock()
	a.note(d.Type.String() + " " + by)
	err := a.pc.SetRemoteDescription(d)
	if d.Type != webrtc.SDPTypeOffer {
		a.talk.answer(err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", d.Type, err, d.SDP)
	}
	if d.Type != webrtc.SDPTypeOffer {
		return nil
	}
	a.mu.Lock()
	a.offers++
	a.mu.Unlock()
	answer, err := a.pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	if err := a.pc.SetLocalDescription(answer); err != nil {
		return err
	}
	if err := a.describe(answer); err != nil {
		return err
	}
	a.mu.Lock()
	a.answers++
	a.mu.Unlock()
	return nil
}

// Waits until it has answered that it hears nothing of the sender any more.
func (a *agent) forgets(sender string) error {
	return until(wait, sender+" is gone from the description", func() bool {
		now := a.pc.CurrentRemoteDescription().SDP
		a.mu.Lock()
		defer a.mu.Unlock()
		return !strings.Contains(now, sender) && a.answers == a.offers
	})
}

func (a *agent) onTrack(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	if t.Kind() == webrtc.RTPCodecTypeVideo && !a.patient {
		_ = a.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.SSRC())}})
	}
	a.listen(t)
}

func (a *agent) state() (closed bool, events []string, failure error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed, append([]string{}, a.events...), a.failure
}

func (a *agent) hears(kind, sender string) error {
	err := a.ears.hears(kind, sender)
	if _, _, failure := a.state(); err != nil && failure != nil {
		err = fmt.Errorf("%w (%v)", err, failure)
	}
	return err
}

func (a *agent) leave() error {
	if err := a.n.about(service.ClientMessageLeave, a.session); err != nil {
		return err
	}
	err := until(wait, a.session+" is told of its end", func() bool { closed, _, _ := a.state(); return closed })
	_ = a.pc.Close()
	return err
}

// Something to send: packets each 20 ms (sound) or 33 ms (pictures, all of them key frames).
type track struct {
	local *webrtc.TrackLocalStaticRTP
	stop  chan struct{}
	rare  bool         // a packet only each 200 ms
	more  int          // octets of each packet, beyond what it takes
	dress atomic.Value // func(*rtp.Header): header extensions, once they are agreed on
}

func newTrack(mime, id, stream string, options ...func(*webrtc.TrackLocalStaticRTP)) *track {
	return newFatTrack(0, mime, id, stream, options...)
}

func newFatTrack(more int, mime, id, stream string, options ...func(*webrtc.TrackLocalStaticRTP)) *track {
	local, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, id, stream, options...)
	must(err)
	return (&track{local: local, more: more}).start(mime)
}

func newRareTrack(mime, id, stream string) *track {
	local, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, id, stream)
	must(err)
	return (&track{local: local, rare: true}).start(mime)
}

func (t *track) start(mime string) *track {
	t.stop = make(chan struct{})
	go t.run(mime)
	return t
}

func (t *track) end() { close(t.stop) }

// A VP8 payload descriptor and the header of a key frame of 16x16; the same for AV1: an
// aggregation header that begins a coded video sequence, and some octets.
var pictures = map[string][]byte{
	webrtc.MimeTypeVP8: {0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x10, 0x00, 0x10, 0x00, 0, 0, 0, 0},
	webrtc.MimeTypeAV1: {0x18, 0x0a, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
}

func (t *track) run(mime string) {
	every, step, payload := 20*time.Millisecond, uint32(960), []byte{0xf8, 0xff, 0xfe}
	if p, video := pictures[mime]; video {
		every, step, payload = 33*time.Millisecond, 2970, p
	}
	if t.rare {
		every = 200 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	header := rtp.Header{Version: 2, Marker: step != 960}
	payload = append(append([]byte{}, payload...), make([]byte, t.more)...)
	for {
		select {
		case <-t.stop:
			return
		case <-tick.C:
		}
		header.SequenceNumber++
		header.Timestamp += step
		if dress, is := t.dress.Load().(func(*rtp.Header)); is {
			dress(&header)
		}
		_ = t.local.WriteRTP(&rtp.Packet{Header: header, Payload: payload})
	}
}
