package main

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mattermost/rtcd/service"
	"github.com/mattermost/rtcd/service/rtc"
)

// What the Calls plugin does on two nodes of a cluster: it relays between its users and the server under
// test, by rtcd's own service.Client, and tells all in a channel what becomes of the others.
type plugin struct {
	nodes []*node
	m     *mattermost

	mu       sync.Mutex
	calls    map[string]string    // of each channel that has them
	sessions map[string]*presence // by the id of the connection that joined
}

// Somebody in a call.
type presence struct {
	session, user, channel, job string
	now                         *socket // the latest of its connections
}

// So long a user may be gone.
const absence = 10 * time.Second

func newPlugin(m *mattermost, s *server) (*plugin, error) {
	first, err := s.connected()
	if err != nil {
		return nil, err
	}
	second, err := s.sibling(first)
	p := &plugin{m: m, nodes: []*node{first, second}, calls: map[string]string{}, sessions: map[string]*presence{}}
	if err == nil {
		for _, n := range p.nodes {
			go p.relay(n)
		}
	}
	return p, err
}

func (p *plugin) end() {
	for _, n := range p.nodes {
		_ = n.Close()
	}
}

// A channel in which calls may be held.
func (p *plugin) channel() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := newID()
	p.calls[id] = newID()
	return id
}

// The session of a user; "" if there is none.
func (p *plugin) session(user string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, x := range p.sessions {
		if x.user == user {
			return id
		}
	}
	return ""
}

// Tells all in the channel.
func (p *plugin) tell(channel, event string, data map[string]any) {
	p.mu.Lock()
	var all []*socket
	for _, x := range p.sessions {
		if x.channel == channel {
			all = append(all, x.now)
		}
	}
	p.mu.Unlock()
	for _, c := range all {
		c.tell(prefix+event, channel, data)
	}
}

func (p *plugin) at(c *socket) *presence {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.sessions {
		if x.now == c {
			return x
		}
	}
	return nil
}

var plain = map[string]struct {
	kind  rtc.MessageType // 0: nothing for the server
	event string
}{
	"mute": {rtc.MuteMessage, "user_muted"}, "unmute": {rtc.UnmuteMessage, "user_unmuted"},
	"screen_on": {rtc.ScreenOnMessage, "user_screen_on"}, "screen_off": {rtc.ScreenOffMessage, "user_screen_off"},
	"video_on": {rtc.VideoOnMessage, "user_video_on"}, "video_off": {rtc.VideoOffMessage, "user_video_off"},
	"raise_hand": {0, "user_raise_hand"}, "unraise_hand": {0, "user_unraise_hand"},
	"ice": {rtc.ICEMessage, ""}, "sdp": {rtc.SDPMessage, ""},
}

// An action of a user.
func (p *plugin) take(c *socket, action string, data map[string]any) {
	switch action {
	case "join":
		p.join(c, data)
		return
	case "reconnect":
		p.reconnect(c, data)
		return
	}
	x := p.at(c)
	if x == nil {
		return
	}
	if action == "leave" {
		must(p.nodes[c.node].about(service.ClientMessageLeave, x.session))
		return
	}
	what, known := plain[action]
	if !known {
		return
	}
	text, _ := data["data"].(string)
	if packed, is := data["data"].([]byte); is {
		var err error
		if text, err = unpacked(packed); err != nil {
			return
		}
	}
	if what.kind != 0 {
		must(p.nodes[c.node].rtc(x.session, what.kind, text))
	}
	if what.event != "" {
		p.tell(x.channel, what.event, map[string]any{"userID": x.user, "session_id": x.session})
	}
}

// As the plugin does: no description of over 64 kB goes by it.
func unpacked(packed []byte) (string, error) {
	const most = 65536
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && len(text) > most {
		err = errors.New("too large")
	}
	return string(text), err
}

func (p *plugin) join(c *socket, data map[string]any) {
	x := &presence{session: c.id, user: c.user, now: c}
	x.channel, _ = data["channelID"].(string)
	x.job, _ = data["jobID"].(string)
	p.mu.Lock()
	call, may := p.calls[x.channel]
	if may {
		p.sessions[x.session] = x
	}
	p.mu.Unlock()
	if !may {
		c.tell(prefix+"error", "", map[string]any{"data": "forbidden", "connID": c.id})
		return
	}
	must(p.nodes[c.node].Send(service.ClientMessage{Type: service.ClientMessageJoin, Data: map[string]any{
		"callID": call, "userID": x.user, "sessionID": x.session, "channelID": x.channel,
		"av1Support": data["av1Support"], "dcSignaling": data["dcSignaling"]}}))
	c.tell(prefix+"join", "", map[string]any{"connID": c.id})
	p.tell(x.channel, "user_joined", map[string]any{"user_id": x.user, "session_id": x.session})
}

// By whichever node the user has come back.
func (p *plugin) reconnect(c *socket, data map[string]any) {
	original, _ := data["originalConnID"].(string)
	p.mu.Lock()
	x := p.sessions[original]
	if x != nil && x.user == c.user {
		x.now = c
	}
	p.mu.Unlock()
	if x != nil && x.user == c.user {
		must(p.nodes[c.node].about(service.ClientMessageReconnect, original))
	}
}

// Whose connection is gone, and stays so, leaves.
func (p *plugin) lost(c *socket) {
	if x := p.at(c); x != nil {
		time.AfterFunc(absence, func() {
			if p.at(c) == x {
				_ = p.nodes[c.node].about(service.ClientMessageLeave, x.session)
			}
		})
	}
}

// What the server says to one node.
func (p *plugin) relay(n *node) {
	for msg := range n.ReceiveCh() {
		switch data := msg.Data.(type) {
		case rtc.Message:
			p.mu.Lock()
			x := p.sessions[data.SessionID]
			p.mu.Unlock()
			if x == nil {
				continue
			}
			switch {
			case data.Type == rtc.VoiceOnMessage:
				p.tell(x.channel, "user_voice_on", map[string]any{"userID": data.UserID, "session_id": x.session})
			case data.Type == rtc.VoiceOffMessage:
				p.tell(x.channel, "user_voice_off", map[string]any{"userID": data.UserID, "session_id": x.session})
			default:
				x.now.tell(prefix+"signal", "", map[string]any{"data": string(data.Data), "connID": x.session})
			}
		case map[string]string:
			p.mu.Lock()
			x := p.sessions[data["sessionID"]]
			p.mu.Unlock()
			if msg.Type == service.ClientMessageClose && x != nil {
				p.tell(x.channel, "user_left", map[string]any{"user_id": x.user, "session_id": x.session})
				p.mu.Lock()
				delete(p.sessions, x.session)
				p.mu.Unlock()
			}
		}
	}
}

func (p *plugin) config(w http.ResponseWriter, r *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{"EnableSimulcast": true, "ICEServersConfigs": []string{}})
}

// A recording is a job whose state all are told; who records is told to stop.
func (p *plugin) record(w http.ResponseWriter, r *http.Request) {
	channel, state := r.PathValue("channel"), map[string]any{"type": "recording", "init_at": 1, "start_at": 2}
	if r.PathValue("state") == "stop" {
		state["end_at"] = 3
	}
	p.tell(channel, "call_job_state", map[string]any{"callID": channel, "jobState": state})
	if state["end_at"] != nil {
		p.tell(channel, "job_stop", map[string]any{"job_id": "recording"})
	}
}
