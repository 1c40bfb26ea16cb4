package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/rtcd/service"
	"github.com/mattermost/rtcd/service/rtc"
	"github.com/pion/webrtc/v4"
)

// What speaks WHIP and WHEP for rtcd, so that a client of these can publish a voice and a screen in a
// call, or watch them: bench/peer_rtcd.c. Only what is said goes through here, no media.
//
// A client offers once, and opens a data channel (without one rtcd sends nothing) of which its offer
// does not tell: it is added here. Later offers are rtcd's, a track each; they are answered here with
// the client's end of the transport, which stays as it was.
type front struct {
	n        *node
	mu       sync.Mutex
	sessions map[string]*fronted
}

type fronted struct {
	offer      string
	answer     chan string // the first of rtcd's
	candidates chan string // lines
}

func runFront(args []string) int {
	log.SetOutput(os.Stderr)
	options := map[string]string{}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		options[name] = value
	}
	id, key := newID(), newKey()
	c, err := service.NewClient(service.ClientConfig{URL: options["rtcd"], ClientID: id, AuthKey: key})
	must(err)
	must(c.Register(id, key))
	f := &front{n: &node{Client: c, id: id, key: key, noAV1: true}, sessions: map[string]*fronted{}}
	must(f.n.connect())
	go f.hear()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /whip/{room}/{stream}", func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, true) })
	mux.HandleFunc("POST /whep/{room}", func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, false) })
	mux.HandleFunc("DELETE /session/{id}", func(_ http.ResponseWriter, r *http.Request) {
		_ = f.n.about(service.ClientMessageLeave, r.PathValue("id"))
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(options["listen"], mux))
	return 1
}

func (f *front) serve(w http.ResponseWriter, r *http.Request, publishes bool) {
	offer, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err == nil {
		session := newID()
		var answer string
		if answer, err = f.enter(r.PathValue("room"), session, string(offer), publishes); err == nil {
			w.Header().Set("Location", "/session/"+session)
			w.Header().Set("Content-Type", "application/sdp")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, answer)
			return
		}
	}
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}

func (f *front) enter(call, session, offer string, publishes bool) (string, error) {
	s := &fronted{offer: offer, answer: make(chan string, 1), candidates: make(chan string, 16)}
	f.mu.Lock()
	f.sessions[session] = s
	f.mu.Unlock()
	if err := f.n.join(call, session); err != nil {
		return "", err
	}
	if publishes {
		msid, _ := value(offer, "m=video", "a=msid:")
		stream, _, _ := strings.Cut(msid, " ")
		if err := f.n.rtc(session, rtc.ScreenOnMessage, fmt.Sprintf("{%q:%q}", "screenStreamID", stream)); err != nil {
			return "", err
		}
	}
	if err := f.describe(session, webrtc.SDPTypeOffer, addChannel(offer, publishes)); err != nil {
		return "", err
	}
	limit := time.After(wait)
	var answer, candidate string
	for answer == "" || candidate == "" {
		select {
		case answer = <-s.answer:
		case line := <-s.candidates:
			if strings.Contains(strings.ToLower(line), " udp ") {
				candidate = line
			}
		case <-limit:
			return "", fmt.Errorf("no answer, or no candidate, of rtcd within %v", wait)
		}
	}
	return hideChannel(answer, candidate, publishes), nil
}

func (f *front) describe(session string, kind webrtc.SDPType, text string) error {
	data, err := json.Marshal(webrtc.SessionDescription{Type: kind, SDP: text})
	must(err)
	return f.n.rtc(session, rtc.SDPMessage, string(data))
}

func (f *front) hear() {
	for msg := range f.n.ReceiveCh() {
		m, is := msg.Data.(rtc.Message)
		f.mu.Lock()
		s := f.sessions[m.SessionID]
		f.mu.Unlock()
		if !is || s == nil {
			continue
		}
		switch m.Type {
		case rtc.ICEMessage:
			var wrapped struct{ Candidate webrtc.ICECandidateInit }
			if json.Unmarshal(m.Data, &wrapped) == nil {
				select {
				case s.candidates <- "a=" + wrapped.Candidate.Candidate + "\r\n":
				default: // more than anybody waits for
				}
			}
		case rtc.SDPMessage:
			var d webrtc.SessionDescription
			must(json.Unmarshal(m.Data, &d))
			if d.Type == webrtc.SDPTypeOffer {
				must(f.describe(m.SessionID, webrtc.SDPTypeAnswer, answered(d.SDP, s.offer)))
			} else {
				s.answer <- d.SDP
			}
		}
	}
}

// ---- descriptions ----

// The session's part and those of its m-lines, each with its lines' ends.
func sections(description string) []string {
	parts := strings.Split(description, "\r\nm=")
	for i := range parts {
		if i > 0 {
			parts[i] = "m=" + parts[i]
		}
		if i < len(parts)-1 {
			parts[i] += "\r\n"
		}
	}
	return parts
}

// The first line of a section (by its beginning) that begins so, without that.
func value(description, section, line string) (string, bool) {
	for _, part := range sections(description) {
		if !strings.HasPrefix(part, section) {
			continue
		}
		if _, rest, found := strings.Cut(part, "\r\n"+line); found {
			text, _, _ := strings.Cut(rest, "\r\n")
			return text, true
		}
	}
	return "", false
}

// The client's end of the transport, which all of its sections have.
func transport(offer, setup string) string {
	lines := ""
	for _, name := range []string{"a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:"} {
		text, _ := value(offer, "m=", name)
		lines += name + text + "\r\n"
	}
	return lines + "a=setup:" + setup + "\r\n"
}

const (
	channelMid  = "data"
	channelLine = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
	channelEnd  = "a=sctp-port:5000\r\na=max-message-size:65536\r\n"
)

// The client's offer with a data channel; of a publisher, whose voice must not be of the screen's stream.
func addChannel(offer string, publishes bool) string {
	parts := sections(offer)
	group, _ := value(offer, "v=", "a=group:BUNDLE")
	parts[0] = strings.Replace(parts[0], "a=group:BUNDLE"+group, "a=group:BUNDLE"+group+" "+channelMid, 1)
	for i, part := range parts {
		if publishes && strings.HasPrefix(part, "m=audio") {
			parts[i] = strings.Replace(part, "a=msid:", "a=msid:voice-", 1)
		}
	}
	return strings.Join(parts, "") + channelLine + "a=mid:" + channelMid + "\r\n" +
		transport(offer, "actpass") + channelEnd
}

// rtcd's answer without it, with a candidate; to a viewer all is sent, although only later offers of
// rtcd's say so.
func hideChannel(answer, candidate string, publishes bool) string {
	text := ""
	for i, part := range sections(answer) {
		if strings.HasPrefix(part, "m=application") {
			continue
		}
		if i == 0 {
			part = strings.Replace(part, " "+channelMid, "", 1)
		} else {
			if !publishes {
				part = strings.NewReplacer("\r\na=inactive\r\n", "\r\na=sendonly\r\n",
					"\r\na=recvonly\r\n", "\r\na=sendonly\r\n").Replace(part)
			}
			part += candidate
		}
		text += part
	}
	return text
}

// The answer to an offer of rtcd's: everything in it is taken, by the transport that there is, in which
// the client shakes hands as it was told to.
func answered(offer, client string) string {
	kept := []string{"a=mid:", "a=rtcp-mux", "a=rtcp-rsize", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:",
		"a=sctp-port:", "a=max-message-size:", "c="}
	turned := map[string]string{"a=sendonly": "a=recvonly", "a=sendrecv": "a=recvonly", "a=recvonly": "a=inactive",
		"a=inactive": "a=inactive"}
	parts := sections(offer)
	group, _ := value(offer, "v=", "a=group:")
	text := "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:" + group + "\r\n"
	for _, part := range parts[1:] {
		lines := strings.Split(strings.TrimSuffix(part, "\r\n"), "\r\n")
		text += lines[0] + "\r\n"
		for _, line := range lines[1:] {
			if to, is := turned[line]; is {
				text += to + "\r\n"
			}
			for _, start := range kept {
				if strings.HasPrefix(line, start) {
					text += line + "\r\n"
				}
			}
		}
		text += transport(client, "passive")
	}
	return text
}
