package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/rtcd/client"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// Somebody in a call by rtcd's own user agent, and what that says.
type participant struct {
	*client.Client
	ears
	m    *mattermost
	user string

	mu     sync.Mutex
	events []string // each with what it is about, if that is told
	asked  int      // key frames of it
}

type wish func(*client.Config)

func byChannel(c *client.Config) { c.EnableDCSignaling = true }
func withAV1(c *client.Config)   { c.EnableAV1 = true }

// For those who leave by themselves: a monitor ends the whole process if it is stopped by two sides.
func monitored(c *client.Config) { c.EnableRTCMonitor = true }

var allEvents = []client.EventType{client.RTCConnectEvent, client.RTCDisconnectEvent, client.CloseEvent,
	client.ErrorEvent, client.WSConnectEvent, client.WSDisconnectEvent, client.WSCallJoinEvent,
	client.WSCallJobStateEvent, client.WSCallRecordingStateEvent, client.WSJobStopEvent,
	client.WSCallHostChangedEvent, client.WSCallMutedEvent, client.WSCallUnmutedEvent,
	client.WSCallRaisedHandEvent, client.WSCallLoweredHandEvent, client.WSCallScreenOnEvent,
	client.WSCallScreenOffEvent, client.WSCallVideoOnEvent, client.WSCallVideoOffEvent}

// A user who has logged in, and has not yet connected.
func (m *mattermost) participant(channel string, wishes ...wish) (*participant, error) {
	p := &participant{m: m, user: "user-" + newID()}
	api := model.NewAPIv4Client(m.URL)
	if _, _, err := api.Login(context.Background(), p.user, password); err != nil {
		return nil, err
	}
	conf := client.Config{SiteURL: m.URL, AuthToken: api.AuthToken, ChannelID: channel}
	for _, w := range wishes {
		w(&conf)
	}
	var err error
	if p.Client, err = client.New(conf, client.WithLogger(slog.New(slog.DiscardHandler))); err != nil {
		return nil, err
	}
	for _, event := range allEvents {
		must(p.On(event, func(about any) error {
			p.note(event, about)
			return nil
		}))
	}
	must(p.On(client.RTCTrackEvent, func(about any) error {
		p.listen(about.(map[string]any)["track"].(*webrtc.TrackRemote))
		return nil
	}))
	must(p.On(client.RTCSenderRTCPPacketEvent, func(about any) error {
		for _, packet := range about.(map[string]any)["pkts"].([]rtcp.Packet) {
			if _, is := packet.(*rtcp.PictureLossIndication); is {
				p.mu.Lock()
				p.asked++
				p.mu.Unlock()
			}
		}
		return nil
	}))
	return p, nil
}

// One that is in the call.
func (m *mattermost) joined(channel string, wishes ...wish) (*participant, error) {
	p, err := m.participant(channel, wishes...)
	if err != nil {
		return nil, err
	}
	if err := p.Connect(); err != nil {
		return nil, err
	}
	for _, event := range []string{"WSConnect", "WSCallJoin", "RTCConnect"} {
		if err := p.sees(event); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *participant) note(event client.EventType, about any) {
	text := string(event)
	switch what := about.(type) {
	case nil:
	case client.CallJobState:
		text += fmt.Sprintf(" %s %d", what.Type, what.EndAt)
	default:
		text += fmt.Sprintf(" %v", what)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, text)
}

func (p *participant) count(event string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e == event {
			n++
		}
	}
	return n
}

func (p *participant) story() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.events, ", ")
}

// Waits until it has been told that once more since it was last asked here.
func (p *participant) sees(event string) error {
	if err := until(wait, event, func() bool { return p.count(event) > 0 }); err != nil {
		return fmt.Errorf("%w, but %s", err, p.story())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, e := range p.events {
		if e == event {
			p.events = append(p.events[:i:i], p.events[i+1:]...)
			break
		}
	}
	return nil
}

func (p *participant) keyFrames() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *participant) session() string { return p.m.session(p.user) }

// Leaves, and is seen to have left.
func (p *participant) leave() error {
	session := p.session()
	if err := p.Close(); err != nil {
		return err
	}
	for _, event := range []string{"RTCDisconnect", "Close"} {
		if err := p.sees(event); err != nil {
			return err
		}
	}
	return until(wait, session+" has left", func() bool { return p.session() == "" })
}
