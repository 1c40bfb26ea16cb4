package main

import (
	"fmt"
	"time"

	"github.com/mattermost/rtcd/service"
	"github.com/mattermost/rtcd/service/rtc"
)

// A client with one session, which has not offered anything.
func (s *server) joined() (n *node, call, session string, err error) {
	if n, err = s.connected(); err != nil {
		return
	}
	call, session = newID(), newID()
	must(n.join(call, session))
	_, err = n.sessions(call, 1)
	return
}

func joinAndLeave(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	call, session := newID(), newID()
	must(n.join(call, session))
	all, err := n.sessions(call, 1)
	if err != nil {
		return err
	}
	one, _, err := n.GetSession(call, session)
	if err != nil {
		return err
	}
	for _, got := range []rtc.SessionConfig{all[0], one} {
		if got.GroupID != n.id || got.CallID != call || got.UserID != "user-"+session || got.SessionID != session ||
			got.Props["channelID"] != "channel" || got.Props["av1Support"] != true || got.Props["dcSignaling"] != false {
			return fmt.Errorf("listed as %+v", got)
		}
	}
	if _, status, err := n.GetSession(call, "other"); status != 404 || err == nil {
		return fmt.Errorf("another session: %d %v", status, err)
	}
	must(n.about("leave", session))
	if err := n.closed(session, wait); err != nil {
		return err
	}
	_, err = n.sessions(call, 0)
	return err
}

func badJoins(s *server) error {
	n, call, session, err := s.joined()
	if err != nil {
		return err
	}
	must(n.join(call, session))
	for _, data := range []map[string]any{
		{"callID": call, "userID": "u"},
		{"callID": call, "sessionID": "s"},
		{"userID": "u", "sessionID": "s"},
		{"callID": 5, "userID": "u", "sessionID": "s"},
	} {
		must(n.Send(service.ClientMessage{Type: "join", Data: data}))
	}
	must(n.about("leave", "nobody"))
	if err := n.silent(500 * time.Millisecond); err != nil {
		return err
	}
	_, err = n.sessions(call, 1)
	return err
}

func manySessions(s *server) error {
	const many = 50
	n, err := s.connected()
	if err != nil {
		return err
	}
	call, all := newID(), map[string]bool{}
	for i := 0; i < many; i++ {
		session := newID()
		all[session] = true
		must(n.join(call, session))
	}
	if _, err := n.sessions(call, many); err != nil {
		return err
	}
	for session := range all {
		must(n.about("leave", session))
	}
	for len(all) > 0 {
		data, err := n.next("close", wait)
		if err != nil {
			return err
		}
		delete(all, data["sessionID"])
	}
	_, err = n.sessions(call, 0)
	return err
}

// Two clients, each with a session in a call of the same name.
func pair(s *server, sessionB string) (a, b *node, call, session string, err error) {
	if a, err = s.connected(); err != nil {
		return
	}
	if b, err = s.connected(); err != nil {
		return
	}
	call, session = newID(), newID()
	must(a.join(call, session))
	must(b.join(call, sessionB))
	if _, err = a.sessions(call, 1); err == nil {
		_, err = b.sessions(call, 1)
	}
	return
}

func isolated(s *server) error {
	a, b, call, session, err := pair(s, newID())
	if err != nil {
		return err
	}
	if _, status, _ := b.GetSession(call, session); status != 404 {
		return fmt.Errorf("seen by the other: %d", status)
	}
	must(a.about("leave", session))
	if err := a.closed(session, wait); err != nil {
		return err
	}
	_, err = b.sessions(call, 1)
	return err
}

func owned(s *server) error {
	a, b, call, session, err := pair(s, newID())
	if err != nil {
		return err
	}
	must(b.about("leave", session))
	must(b.about("reconnect", session))
	must(b.rtc(session, rtc.MuteMessage, ""))
	if err := b.silent(500 * time.Millisecond); err != nil {
		return err
	}
	if _, err := a.sessions(call, 1); err != nil {
		return err
	}
	must(a.about("leave", session))
	return a.closed(session, wait)
}

func reconnect(s *server) error {
	first, _, session, err := s.joined()
	if err != nil {
		return err
	}
	second, err := s.sibling(first)
	if err != nil {
		return err
	}
	must(second.about("reconnect", session))
	must(second.about("leave", session))
	if err := second.closed(session, wait); err != nil {
		return err
	}
	return first.silent(200 * time.Millisecond)
}

func lostConnection(s *server) error {
	first, call, session, err := s.joined()
	if err != nil {
		return err
	}
	must(first.Close())
	time.Sleep(300 * time.Millisecond)
	if _, err := first.sessions(call, 1); err != nil {
		return err
	}
	if err := waitGone(first, call); err != nil {
		return err
	}
	second, err := s.sibling(first)
	if err != nil {
		return err
	}
	return second.closed(session, wait)
}

// Until its time without an offer is over.
func waitGone(n *node, call string) error {
	return until(wait, "the session has gone", func() bool {
		_, status, _ := n.GetSessions(call)
		return status == 404
	})
}

func noOffer(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	session := newID()
	from := time.Now()
	must(n.join(newID(), session))
	if err := n.closed(session, 13*time.Second); err != nil {
		return err
	}
	if took := time.Since(from); took < 9500*time.Millisecond || took > 12*time.Second {
		return fmt.Errorf("closed after %v", took)
	}
	return nil
}
