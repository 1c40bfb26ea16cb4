package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mattermost/rtcd/service/rtc"
	"github.com/pion/webrtc/v4"
)

// Rows of the table about servers: whom they wait for, whom they ask, how they end.

// A connection for which the kernel keeps little.
func narrow() *websocket.Dialer {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		must(c.Control(func(fd uintptr) {
			err = errors.Join(syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1),
				syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536))
		}))
		return err
	}}
	return &websocket.Dialer{NetDialContext: d.DialContext, HandshakeTimeout: wait}
}

// What a session that means to come offers first.
func firstOffer() (string, error) {
	api, err := newAPI(nil, nil, 0)
	if err != nil {
		return "", err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	defer pc.Close()
	if _, err := pc.CreateDataChannel("calls-dc", nil); err != nil {
		return "", err
	}
	o, err := pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(o)
	return string(text), err
}

// A node for whose sessions there is much to say, and which reads none of it. Another client is told of the end
// of its sessions meanwhile.
func slowReader(s *server) error {
	const many = 100
	n, err := s.connected()
	if err != nil {
		return err
	}
	other, err := s.connected()
	if err != nil {
		return err
	}
	offer, err := firstOffer()
	if err != nil {
		return err
	}
	ws, _, err := s.greetedBy(narrow(), basic(n.id, n.key))
	if err != nil {
		return err
	}
	call, all := newID(), [many]string{}
	for i := range all {
		all[i] = newID()
		must(ws.WriteMessage(websocket.BinaryMessage, packed("join", map[string]any{
			"callID": call, "userID": "u", "sessionID": all[i]})))
		must(ws.WriteMessage(websocket.BinaryMessage, packed("rtc", rtc.Message{
			SessionID: all[i], Type: rtc.SDPMessage, Data: []byte(offer)})))
	}
	if _, err := n.sessions(call, many); err != nil {
		return err
	}
	for from := time.Now(); time.Since(from) < 3*time.Second; {
		session := newID()
		must(other.join(newID(), session))
		must(other.about("leave", session))
		if err := other.closed(session, 3*time.Second); err != nil {
			return err
		}
	}
	must(ws.Close())
	for _, session := range all {
		must(n.about("leave", session))
	}
	if _, err := n.sessions(call, 0); err != nil {
		return err
	}
	return other.Close()
}

// Whoever knocks at a port that stands for another server: from which ports, by UDP.
type knocks struct {
	at    *net.UDPConn
	mu    sync.Mutex
	ports map[int]int
}

func newKnocks(port int) (*knocks, error) {
	at, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return nil, err
	}
	d := &knocks{at: at, ports: map[int]int{}}
	go func() {
		buf := make([]byte, 2048)
		for {
			_, who, err := at.ReadFromUDP(buf)
			if err != nil {
				return
			}
			d.mu.Lock()
			d.ports[who.Port]++
			d.mu.Unlock()
		}
	}()
	return d, nil
}

// Nobody asks the STUN or TURN server for a session, from a port of its own.
func askedByNobody(s *server) error {
	d, err := newKnocks(s.outside)
	if err != nil {
		return err
	}
	defer d.at.Close()
	if err := voices(s); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.ports, s.media)
	if len(d.ports) > 0 {
		return fmt.Errorf("asked from ports %v", d.ports)
	}
	return nil
}

// The port that stands for its own is in the answer, too.
func overriddenInside(s *server) error {
	a, err := s.alone(false)
	if err != nil {
		return err
	}
	sdp := a.pc.RemoteDescription().SDP
	if !strings.Contains(sdp, fmt.Sprintf(" %s %d typ host", elsewhere, s.outside)) ||
		strings.Contains(sdp, fmt.Sprintf(" %s %d typ host", elsewhere, s.media)) {
		return fmt.Errorf("the answer is %s", sdp)
	}
	return leaveAll([]*agent{a})
}

// A second signal ends what drains.
func drainTwice(s *server) error {
	if _, _, _, err := s.joined(); err != nil {
		return err
	}
	s.terminate()
	time.Sleep(500 * time.Millisecond)
	s.terminate()
	if err := s.wait(5 * time.Second); err != nil {
		return err
	}
	return s.start()
}

// Each with a server of its own.
func differingServers() []group {
	ice := func(url string) func(s *server) []string {
		return func(s *server) []string {
			return []string{fmt.Sprintf(`RTCD_RTC_ICESERVERS=[{"urls":["%s:127.0.0.1:%d"]}]`, url, s.outside),
				"RTCD_RTC_TURNCONFIG_STATICAUTHSECRET=secret"}
		}
	}
	return []group{
		{scenarios: []scenario{{"a second signal ends a server that drains", drainTwice, "draining"}}},
		{[]scenario{{"no TURN server is asked for a session", askedByNobody,
			"relayed candidates of its own (`turn.static_auth_secret`)"}}, ice("turn")},
		{[]scenario{{"no STUN server is asked for a session", askedByNobody, "a STUN server"}}, ice("stun")},
		{[]scenario{{"a name that nobody knows stands for its address", voices, "`ice_host_override` that is a name"}},
			func(*server) []string { return []string{"RTCD_RTC_ICEHOSTOVERRIDE=nobody.invalid"} }},
	}
}
