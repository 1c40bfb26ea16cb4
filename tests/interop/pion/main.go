// A WHIP publisher and a WHEP viewer on Pion, another implementation of everything.
//
//	pion publish URL TOKEN VIDEO-PORT AUDIO-PORT   RTP (VP8, Opus) that comes to these UDP ports
//	pion watch URL TOKEN SECONDS                   counts what comes, prints it as JSON
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "pion:", err)
		os.Exit(1)
	}
}

// post sends the offer once all candidates are in it, and returns how to end the session.
func post(pc *webrtc.PeerConnection, to, token string) func() {
	offer, err := pc.CreateOffer(nil)
	check(err)
	gathered := webrtc.GatheringCompletePromise(pc)
	check(pc.SetLocalDescription(offer))
	<-gathered
	ask := func(method, to, body string) *http.Response {
		request, err := http.NewRequest(method, to, strings.NewReader(body))
		check(err)
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/sdp")
		response, err := http.DefaultClient.Do(request)
		check(err)
		return response
	}
	response := ask("POST", to, pc.LocalDescription().SDP)
	answer, err := io.ReadAll(response.Body)
	check(err)
	if response.StatusCode != http.StatusCreated {
		check(fmt.Errorf("%s: %s", response.Status, answer))
	}
	base, err := url.Parse(to)
	check(err)
	session, err := base.Parse(response.Header.Get("Location"))
	check(err)
	check(pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}))
	// Closing says goodbye in DTLS, which ends the session too: DELETE goes first.
	return func() {
		if r := ask("DELETE", session.String(), ""); r.StatusCode != http.StatusOK {
			check(fmt.Errorf("DELETE: %s", r.Status))
		}
		check(pc.Close())
	}
}

func relay(pc *webrtc.PeerConnection, mime string, clock uint32, port string) {
	kind := strings.Split(mime, "/")[0]
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: clock}, kind, "pion")
	check(err)
	_, err = pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	check(err)
	n, err := strconv.Atoi(port)
	check(err)
	in, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: n})
	check(err)
	go func() {
		buffer := make([]byte, 1600)
		for {
			n, err := in.Read(buffer)
			check(err)
			if _, err := track.Write(buffer[:n]); err != nil && err != io.ErrClosedPipe {
				check(err)
			}
		}
	}()
}

type seen struct {
	Codec   string `json:"codec"`
	Packets int    `json:"packets"`
	Gaps    int    `json:"gaps"`
	SSRCs   int    `json:"ssrcs"`
	Reports int    `json:"reports"`  // sender reports
	KeySize string `json:"key_size"` // of the first VP8 key frame
	FirstMS int64  `json:"first_ms"` // from the POST to the first packet
}

// A VP8 key frame's first packet holds its size (RFC 7741 §4.2, RFC 6386 §9.1).
func keySize(p []byte) string {
	if len(p) < 1 || p[0]&0x17 != 0x10 { // start of partition 0
		return ""
	}
	at := 1
	if p[0]&0x80 != 0 && len(p) > 1 {
		x := p[1]
		at = 2
		if x&0x80 != 0 && len(p) > at {
			if p[at]&0x80 != 0 {
				at++
			}
			at++
		}
		if x&0x40 != 0 {
			at++
		}
		if x&0x30 != 0 {
			at++
		}
	}
	if len(p) < at+10 || p[at]&1 != 0 || p[at+3] != 0x9d || p[at+4] != 0x01 || p[at+5] != 0x2a {
		return ""
	}
	width := (int(p[at+7])<<8 | int(p[at+6])) & 0x3fff
	height := (int(p[at+9])<<8 | int(p[at+8])) & 0x3fff
	return fmt.Sprintf("%dx%d", width, height)
}

func watch(pc *webrtc.PeerConnection, to, token string, seconds int) {
	var lock sync.Mutex
	found := map[string]*seen{}
	var begun time.Time
	pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		s := &seen{Codec: track.Codec().MimeType}
		lock.Lock()
		found[track.Kind().String()] = s
		lock.Unlock()
		go func() {
			for {
				packets, _, err := receiver.ReadRTCP()
				if err != nil {
					return
				}
				lock.Lock()
				for _, p := range packets {
					if _, is := p.(*rtcp.SenderReport); is {
						s.Reports++
					}
				}
				lock.Unlock()
			}
		}()
		last, ssrcs := uint16(0), map[uint32]bool{}
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			lock.Lock()
			if s.Packets > 0 && p.SequenceNumber != last+1 {
				s.Gaps++
			}
			if s.Packets == 0 {
				s.FirstMS = time.Since(begun).Milliseconds()
			}
			last = p.SequenceNumber
			ssrcs[p.SSRC] = true
			s.SSRCs = len(ssrcs)
			s.Packets++
			if s.KeySize == "" {
				s.KeySize = keySize(p.Payload)
			}
			lock.Unlock()
		}
	})
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		_, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		check(err)
	}
	begun = time.Now()
	end := post(pc, to, token)
	time.Sleep(time.Duration(seconds) * time.Second)
	lock.Lock()
	text, err := json.Marshal(found)
	lock.Unlock()
	check(err)
	end()
	fmt.Println(string(text))
}

func main() {
	if len(os.Args) < 5 {
		check(fmt.Errorf("usage: pion publish URL TOKEN VIDEO-PORT AUDIO-PORT | watch URL TOKEN SECONDS"))
	}
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	check(err)
	failed := make(chan struct{})
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		fmt.Fprintln(os.Stderr, "pion:", s)
		if s == webrtc.PeerConnectionStateFailed {
			close(failed)
		}
	})
	go func() {
		<-failed
		check(fmt.Errorf("the connection failed"))
	}()
	switch os.Args[1] {
	case "publish":
		relay(pc, webrtc.MimeTypeVP8, 90000, os.Args[4])
		relay(pc, webrtc.MimeTypeOpus, 48000, os.Args[5])
		end := post(pc, os.Args[2], os.Args[3])
		_, _ = io.Copy(io.Discard, os.Stdin) // until told to end
		end()
	case "watch":
		seconds, err := strconv.Atoi(os.Args[4])
		check(err)
		watch(pc, os.Args[2], os.Args[3], seconds)
	}
}
