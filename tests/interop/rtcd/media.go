package main

import (
	"fmt"

	"github.com/mattermost/rtcd/service/rtc"
	"github.com/pion/webrtc/v4"
)

// A call of new sessions with voices, all of one node.
func (s *server) call(n int) (*node, *switchboard, []*agent, []*track, error) {
	node, err := s.connected()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	board := newSwitchboard(node)
	call := newID()
	var agents []*agent
	var tracks []*track
	for i := 0; i < n; i++ {
		id := newID()
		t := newTrack(webrtc.MimeTypeOpus, "audio", "stream-"+id)
		a, err := node.enter(board, call, id, t)
		if err != nil {
			return nil, nil, nil, nil, err
		}
		agents, tracks = append(agents, a), append(tracks, t)
	}
	return node, board, agents, tracks, nil
}

func voices(s *server) error {
	n, _, all, tracks, err := s.call(2)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	for _, pair := range [][2]*agent{{a, b}, {b, a}} {
		if err := pair[0].hears("voice", pair[1].session); err != nil {
			return err
		}
		if h := pair[0].of("voice", pair[1].session); h.stream != pair[1].session {
			return fmt.Errorf("the stream is %s", h.stream)
		}
	}
	if err := n.rtc(a.session, rtc.MuteMessage, ""); err != nil {
		return err
	}
	if err := b.silent("voice", a.session); err != nil {
		return err
	}
	if err := n.rtc(a.session, rtc.UnmuteMessage, ""); err != nil {
		return err
	}
	if err := b.hears("voice", a.session); err != nil {
		return err
	}
	for i, x := range all {
		tracks[i].end()
		if err := x.leave(); err != nil {
			return err
		}
	}
	return n.Close()
}
