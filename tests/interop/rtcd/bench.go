package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/mattermost/rtcd/service/rtc"
	"github.com/pion/webrtc/v4"
)

const (
	turns     = 3
	idle      = 40 // sessions whose memory is measured
	calls     = 3
	listeners = 40 // of each call
	measured  = 8 * time.Second
	limit     = 10 * time.Minute // of all turns, which take a quarter of it
	cpuBar    = 5.0              // times that rtcd takes of what Sluice does, at least
	memoryBar = 3.0
	share     = 0.7 // of a processor: with more, operators of rtcd are told to add another node
)

// What one server did in one turn.
type turn struct {
	memory     float64 // octets for each session that has its data channel
	cpu        float64 // microseconds for each forwarded packet
	perSession float64 // packets that a session of the call gets in a second
	got        float64 // part of what was to come
}

type row struct {
	Name  string   `json:"name"`
	Unit  string   `json:"unit"`
	Value float64  `json:"value"`
	Limit *float64 `json:"limit"` // there is none
	Ratio *float64 `json:"ratio"`
	Bar   *float64 `json:"bar"`
	Pass  bool     `json:"pass"`
}

func figure(name string, value float64, unit string) row {
	return row{Name: name, Unit: unit, Value: value, Pass: true}
}

func (r row) atLeast(bar float64) row {
	r.Bar, r.Pass = &bar, r.Value >= bar
	return r
}

func (r row) atMost(bar float64) row {
	r.Bar, r.Pass = &bar, r.Value <= bar
	return r
}

// A call as in rtcd's own published loads, in which one speaks, one shows a screen and all others
// listen; the same through each server, in turns; of the turns the median
// counts. The server has one core, all clients the others.
func bench(file string, servers []string) int {
	check := len(servers) > 0 && servers[0] == "--check"
	if check {
		servers = servers[1:]
	}
	_ = exec.Command("taskset", "-a", "-c", "-p", "1-64", fmt.Sprint(os.Getpid())).Run()
	time.AfterFunc(limit, func() {
		fmt.Printf("FAIL not done within %v\n", limit)
		os.Exit(1)
	})
	runtime.GOMAXPROCS(max(1, runtime.NumCPU()-1))
	all, home := map[string][]turn{}, newStreet()
	for i := 0; i < turns; i++ {
		for _, arg := range servers {
			name, binary, _ := strings.Cut(arg, "=")
			t, err := takeTurn(name, binary, home)
			if err != nil {
				fmt.Printf("FAIL %s: %v\n", name, err)
				return 1
			}
			fmt.Printf("turn %d: %-6s %6.2f us %6.1f kB\n", i+1, name, t.cpu, t.memory/1000)
			all[name] = append(all[name], t)
		}
	}
	return conclude(file, figures(all, servers), check)
}

// A table for people, a file for machines.
func conclude(file string, rows []row, check bool) int {
	missed := 0
	for _, r := range rows {
		verdict := "    "
		if r.Bar != nil {
			verdict = "ok  "
			if !r.Pass {
				verdict, missed = "MISS", missed+1
			}
		}
		fmt.Printf("%s %-44s %9.2f %s\n", verdict, r.Name, r.Value, r.Unit)
	}
	data, err := json.MarshalIndent(rows, "", "  ")
	must(err)
	must(os.MkdirAll(filepath.Dir(file), 0755))
	must(os.WriteFile(file, append(data, '\n'), 0644))
	fmt.Printf("%d rows, %d missed their bar\n", len(rows), missed)
	if check && missed > 0 {
		return 1
	}
	return 0
}

func median(turns []turn, of func(turn) float64) float64 {
	v := []float64{}
	for _, t := range turns {
		v = append(v, of(t))
	}
	sort.Float64s(v)
	return v[len(v)/2]
}

func figures(all map[string][]turn, servers []string) []row {
	kinds := []struct {
		what, unit string
		of         func(turn) float64
		bar        float64
	}{
		{"CPU for a forwarded packet", "us", func(t turn) float64 { return t.cpu }, cpuBar},
		{"memory for a session", "kB", func(t turn) float64 { return t.memory / 1000 }, memoryBar},
		{"sessions of such calls on 70 % of a core", "", func(t turn) float64 {
			return share * 1e6 / (t.perSession * t.cpu)
		}, 0},
		{"packets that arrived", "%", func(t turn) float64 { return 100 * t.got }, 0},
	}
	rows := []row{}
	for _, k := range kinds {
		by := map[string]float64{}
		for _, arg := range servers {
			name, _, _ := strings.Cut(arg, "=")
			by[name] = median(all[name], k.of)
			rows = append(rows, figure(name+": "+k.what, by[name], k.unit))
		}
		if k.bar > 0 && by["sluice"] > 0 && by["rtcd"] > 0 {
			rows = append(rows, figure("rtcd / sluice: "+k.what, by["rtcd"]/by["sluice"], "times").atLeast(k.bar))
		}
	}
	return rows
}

func takeTurn(name, binary string, home *street) (turn, error) {
	s := newServer(name, binary)
	s.under, s.sockets, s.street = []string{"taskset", "-c", "0"}, 1, home
	if err := s.start(); err != nil {
		return turn{}, err
	}
	defer s.kill()
	var t turn
	var err error
	if t.memory, err = memoryOf(s); err == nil {
		err = mediaOf(s, &t)
	}
	return t, err
}

func memoryOf(s *server) (float64, error) {
	some, err := s.talkers(2, true) // what the first ones cost once and for all
	if err != nil {
		return 0, err
	}
	time.Sleep(time.Second)
	before := s.pss()
	many, err := s.talkers(idle, true)
	if err != nil {
		return 0, err
	}
	time.Sleep(2 * time.Second)
	after := s.pss()
	if err = leaveAll(some); err == nil {
		err = leaveAll(many)
	}
	return (after - before) / idle, err
}

func mediaOf(s *server, t *turn) error {
	var all [][]*agent
	var sources []*source
	defer func() {
		for _, src := range sources {
			close(src.stop)
		}
	}()
	for len(all) < calls {
		agents, err := s.talkers(listeners+2, true)
		if err != nil {
			return err
		}
		all = append(all, agents)
		for i := 0; i < 2; i++ {
			src, err := agents[i].begin(i == 1)
			if err != nil {
				return err
			}
			sources = append(sources, src)
		}
	}
	if err := together(calls*listeners, func(i int) error {
		agents := all[i%calls]
		for from, kind := range []string{"voice", "screen"} {
			listener := agents[2+i/calls]
			if err := listener.hears(kind, agents[from].session); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	received := func() (sum float64) {
		for _, agents := range all {
			for _, a := range agents {
				sum += a.ears.received()
			}
		}
		return sum
	}
	time.Sleep(5 * time.Second) // until paths are known
	cpu, packets, begin := s.cpu(), received(), time.Now()
	time.Sleep(measured)
	cpu, packets = s.cpu()-cpu, received()-packets
	seconds := time.Since(begin).Seconds()
	t.cpu = cpu * 1e6 / packets
	t.perSession = packets / seconds / (calls * (listeners + 2))
	t.got = packets / seconds / (calls * (listeners + 1) * (voicePackets + screenPackets))
	for _, agents := range all {
		if err := leaveAll(agents); err != nil {
			return err
		}
	}
	return nil
}

// Publishes a voice, or a screen.
func (a *agent) begin(screen bool) (*source, error) {
	codec, stream := webrtc.MimeTypeOpus, newID()
	if screen {
		codec = webrtc.MimeTypeVP8
		if err := a.n.rtc(a.session, rtc.ScreenOnMessage, fmt.Sprintf(`{"screenStreamID":%q}`, stream)); err != nil {
			return nil, err
		}
	}
	src, err := newSource(codec, stream)
	if err != nil {
		return nil, err
	}
	if err = a.change(func() error {
		sender, err := a.pc.AddTrack(src)
		if err == nil {
			go src.obey(sender)
		}
		return err
	}); err != nil {
		return nil, err
	}
	if screen {
		go src.screen()
	} else {
		go src.voice()
	}
	return src, nil
}

// Seconds of all its threads.
func (s *server) cpu() (seconds float64) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	for _, f := range files {
		var ns float64
		if data, err := os.ReadFile(f); err == nil {
			_, _ = fmt.Sscan(string(data), &ns)
		}
		seconds += ns / 1e9
	}
	return seconds
}

// Octets of memory that are the process's own, and those of its page tables: of what the kernel keeps for it the one
// part that grows with sessions, which share a few sockets.
func (s *server) pss() float64        { return s.octets("smaps_rollup", "Pss:") }
func (s *server) pageTables() float64 { return s.octets("status", "VmPTE:") }

func (s *server) octets(file, name string) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, file))
	must(err)
	for _, line := range strings.Split(string(data), "\n") {
		var kb float64
		if rest, found := strings.CutPrefix(line, name); found {
			_, _ = fmt.Sscan(rest, &kb)
			return kb * 1024
		}
	}
	return 0
}
