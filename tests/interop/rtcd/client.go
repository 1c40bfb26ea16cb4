package main

import (
	"fmt"
	"time"

	"github.com/mattermost/rtcd/service"
	"github.com/mattermost/rtcd/service/random"
	"github.com/mattermost/rtcd/service/rtc"
	"github.com/pion/webrtc/v4"
)

// A node of a client: rtcd's own, and what it heard.
type node struct {
	*service.Client
	id, key string
	// Its sessions describe themselves on their data channels, once these are open.
	viaChannel bool
	noAV1      bool                 // its sessions do not understand it
	onlySends  bool                 // they have no data channel, and answer no offer
	patient    bool                 // they do not ask for key frames
	window     uint32               // octets of their data channels that wait to be read; 0: what is usual
	over       []webrtc.NetworkType // nil: UDP of IPv4
	street     *street              // nil: each session has sockets of its own
	lines      *lines               // it is libsluice's client; nil: rtcd's
}

func newID() string { return random.NewID() }

func newKey() string {
	key, err := random.NewSecureString(32)
	must(err)
	return key
}

func (s *server) node(id, key string) *node {
	c, err := service.NewClient(service.ClientConfig{URL: s.url(), ClientID: id, AuthKey: key,
		ReconnectInterval: 200 * time.Millisecond})
	must(err)
	return &node{Client: c, id: id, key: key}
}

// A client that is registered, connected and greeted.
func (s *server) connected() (*node, error) {
	n := s.node(newID(), newKey())
	if err := n.Register(n.id, n.key); err != nil {
		return nil, err
	}
	return n, n.connect()
}

// One more node of the client.
func (s *server) sibling(of *node) (*node, error) {
	n := s.node(of.id, of.key)
	return n, n.connect()
}

func (n *node) connect() error {
	if err := n.Connect(); err != nil {
		return err
	}
	hello, err := n.next("hello", wait)
	if err != nil {
		return err
	}
	if hello["clientID"] != n.id || len(hello["connID"]) != 26 {
		return fmt.Errorf("hello says %v", hello)
	}
	return nil
}

// The next message, which must be of that type: its texts.
func (n *node) next(kind string, limit time.Duration) (map[string]string, error) {
	select {
	case msg, open := <-n.ReceiveCh():
		if !open {
			return nil, fmt.Errorf("closed instead of %s", kind)
		}
		if msg.Type != kind {
			return nil, fmt.Errorf("%s instead of %s", msg.Type, kind)
		}
		if data, ok := msg.Data.(map[string]string); ok {
			return data, nil
		}
		return nil, fmt.Errorf("%s carries %T", kind, msg.Data)
	case err := <-n.ErrorCh():
		return nil, fmt.Errorf("instead of %s: %w", kind, err)
	case <-time.After(limit):
		return nil, fmt.Errorf("no %s within %v", kind, limit)
	}
}

func (n *node) silent(limit time.Duration) error {
	select {
	case msg := <-n.ReceiveCh():
		return fmt.Errorf("%s %v out of nothing", msg.Type, msg.Data)
	case <-time.After(limit):
		return nil
	}
}

func (n *node) closed(session string, limit time.Duration) error {
	data, err := n.next("close", limit)
	if err == nil && data["sessionID"] != session {
		return fmt.Errorf("close of %s, not %s", data["sessionID"], session)
	}
	return err
}

func (n *node) join(call, session string) error {
	return n.Send(service.ClientMessage{Type: service.ClientMessageJoin, Data: map[string]any{
		"callID": call, "userID": "user-" + session, "sessionID": session, "channelID": "channel",
		"av1Support": !n.noAV1, "dcSignaling": n.viaChannel}})
}

func (n *node) about(kind, session string) error {
	return n.Send(service.ClientMessage{Type: kind, Data: map[string]string{"sessionID": session}})
}

func (n *node) rtc(session string, kind rtc.MessageType, data string) error {
	return n.Send(service.ClientMessage{Type: service.ClientMessageRTC,
		Data: rtc.Message{SessionID: session, Type: kind, Data: []byte(data)}})
}

// Waits until the call has that many sessions.
func (n *node) sessions(call string, want int) ([]rtc.SessionConfig, error) {
	var all []rtc.SessionConfig
	var err error
	if until(wait, "", func() bool {
		var status int
		all, status, err = n.GetSessions(call)
		if status == 404 {
			all, err = nil, nil
		}
		return err == nil && len(all) == want
	}) != nil {
		return all, fmt.Errorf("%d sessions, not %d (%v)", len(all), want, err)
	}
	return all, nil
}

func (n *node) Send(m service.ClientMessage) error {
	if n.lines != nil {
		return n.lines.send(m)
	}
	return n.Client.Send(m)
}

func (n *node) ReceiveCh() <-chan service.ClientMessage {
	if n.lines != nil {
		return n.lines.messages()
	}
	return n.Client.ReceiveCh()
}

func (n *node) Close() error {
	if n.lines != nil {
		return n.lines.end()
	}
	return n.Client.Close()
}
