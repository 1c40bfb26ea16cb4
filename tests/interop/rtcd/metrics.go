package main

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/mattermost/rtcd/service/rtc"
)

var (
	waits  = "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf"
	times  = "0.001 0.005 0.0075 0.01 0.025 0.05 0.075 0.1 0.25 0.3 0.4 0.5 0.75 1 +Inf"
	losses = "0.001 0.005 0.0075 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 +Inf"
)

// What there was before the metrics were read.
const (
	joined = iota + 1
	talked
)

// Every metric that begins with "rtcd_", as dashboards know it.
var families = map[string]struct {
	kind, labels, bounds string
	when                 int // it must be there: for sessions without media, with it
}{
	"rtcd_rtc_sessions_total":               {"gauge", "groupID", "", joined},
	"rtcd_rtc_conn_states_total":            {"counter", "type", "", talked},
	"rtcd_rtc_rtp_tracks_total":             {"gauge", "direction groupID type", "", talked},
	"rtcd_rtc_rtp_tracks_writes_time":       {"histogram", "groupID type", times, 0},
	"rtcd_rtc_errors_total":                 {"counter", "groupID type", "", 0},
	"rtcd_rtc_connection_time":              {"histogram", "groupID", waits, talked},
	"rtcd_rtc_dc_open_time":                 {"histogram", "groupID", waits, talked},
	"rtcd_rtc_signaling_lock_grab_time":     {"histogram", "groupID", waits, 0},
	"rtcd_rtc_signaling_lock_locked_time":   {"histogram", "groupID", waits, 0},
	"rtcd_rtc_client_loss_rate":             {"histogram", "groupID", losses, 0},
	"rtcd_rtc_client_rtt":                   {"histogram", "groupID", times, 0},
	"rtcd_rtc_client_jitter":                {"histogram", "groupID", times, 0},
	"rtcd_ws_connections_total":             {"gauge", "clientID", "", joined},
	"rtcd_ws_messages_total":                {"counter", "clientID direction type", "", joined},
	"rtcd_process_cpu_seconds_total":        {"counter", "", "", joined},
	"rtcd_process_max_fds":                  {"gauge", "", "", joined},
	"rtcd_process_open_fds":                 {"gauge", "", "", joined},
	"rtcd_process_resident_memory_bytes":    {"gauge", "", "", joined},
	"rtcd_process_start_time_seconds":       {"gauge", "", "", joined},
	"rtcd_process_virtual_memory_bytes":     {"gauge", "", "", joined},
	"rtcd_process_virtual_memory_max_bytes": {"gauge", "", "", joined},
}

var (
	sample = regexp.MustCompile(`^(rtcd_\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	label  = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
)

// The text of /metrics is of these families, with these labels; bounds of histograms are all there.
func checkMetrics(text string, after int) error {
	kinds, bounds := map[string]string{}, map[string][]string{}
	for _, line := range strings.Split(text, "\n") {
		if rest, is := strings.CutPrefix(line, "# TYPE rtcd_"); is {
			name, kind, _ := strings.Cut(rest, " ")
			kinds["rtcd_"+name] = kind
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := m[1]
		if _, known := families[name]; !known {
			name += m[2]
		}
		f, known := families[name]
		if !known {
			return fmt.Errorf("%s is none of rtcd's", name)
		}
		names, series := []string{}, name
		for _, l := range label.FindAllStringSubmatch(m[3], -1) {
			if l[1] == "le" {
				continue
			}
			names, series = append(names, l[1]), series+" "+l[2]
		}
		sort.Strings(names)
		if got := strings.Join(names, " "); got != f.labels {
			return fmt.Errorf("%s has labels %s", name, got)
		}
		if le := regexp.MustCompile(`le="([^"]*)"`).FindStringSubmatch(m[3]); le != nil {
			bounds[name+series] = append(bounds[name+series], le[1])
		}
		if all := bounds[name+series]; m[2] == "_count" && strings.Join(all, " ") != f.bounds {
			return fmt.Errorf("%s has bounds %v", name, all)
		}
	}
	for name, f := range families {
		kind, there := kinds[name]
		if there && kind != f.kind || !there && f.when > 0 && f.when <= after {
			return fmt.Errorf("%s is a %q", name, kind)
		}
	}
	return nil
}

// Of that some is counted by now, by us: rtcd has no such counters.
func (s *server) some(sample string) error {
	if s.name != "sluice" {
		return nil
	}
	_, text, err := s.ask("GET", "/metrics", "", "")
	if err == nil && (!strings.Contains(text, sample+" ") || strings.Contains(text, sample+" 0\n")) {
		err = fmt.Errorf("%s is not counted", sample)
	}
	return err
}

// A line of the metrics, sooner or later.
func (s *server) tells(line string) error {
	return until(wait, line, func() bool { return strings.Contains(s.metricsText(), "\n"+line+"\n") })
}

func metrics(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	call, gone, stays := newID(), newID(), newID()
	must(n.join(call, gone))
	must(n.join(call, stays))
	must(n.rtc(stays, rtc.MuteMessage, ""))
	must(n.rtc(gone, rtc.SDPMessage, `{"type":"offer","sdp":"none"}`))
	if err := n.closed(gone, wait); err != nil {
		return err
	}
	_, text, err := s.ask("GET", "/metrics", "", "")
	if err != nil {
		return err
	}
	if err := checkMetrics(text, joined); err != nil {
		return err
	}
	for _, line := range []string{
		fmt.Sprintf(`rtcd_rtc_sessions_total{groupID="%s"} 1`, n.id),
		fmt.Sprintf(`rtcd_ws_connections_total{clientID="%s"} 1`, n.id),
		fmt.Sprintf(`rtcd_ws_messages_total{clientID="%s",direction="in",type="join"} 2`, n.id),
		fmt.Sprintf(`rtcd_ws_messages_total{clientID="%s",direction="in",type="rtc"} 2`, n.id),
		fmt.Sprintf(`rtcd_rtc_errors_total{groupID="%s",type="signaling"} 1`, n.id),
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			return fmt.Errorf("no %s", line)
		}
	}
	must(n.about("leave", stays))
	return n.closed(stays, wait)
}

func mediaMetrics(s *server) error {
	n, _, all, _, err := s.call(2)
	if err != nil {
		return err
	}
	if err := all[0].hears("voice", all[1].session); err != nil {
		return err
	}
	var fault error
	_ = until(wait, "", func() bool { // some of it is counted once a second
		fault = s.counted(n)
		return fault == nil
	})
	if fault != nil {
		return fault
	}
	for _, a := range all {
		if err := a.leave(); err != nil {
			return err
		}
	}
	return nil
}

// Two sessions that hear each other.
func (s *server) counted(n *node) error {
	_, text, err := s.ask("GET", "/metrics", "", "")
	if err != nil {
		return err
	}
	if err := checkMetrics(text, talked); err != nil {
		return err
	}
	for _, line := range []string{
		`rtcd_rtc_sessions_total{groupID="%s"} 2`,
		`rtcd_rtc_rtp_tracks_total{direction="in",groupID="%s",type="audio/opus"} 2`,
		`rtcd_rtc_rtp_tracks_total{direction="out",groupID="%s",type="audio/opus"} 2`,
		`rtcd_rtc_connection_time_count{groupID="%s"} 2`,
		`rtcd_rtc_dc_open_time_count{groupID="%s"} 2`,
	} {
		if line = fmt.Sprintf(line, n.id); !strings.Contains(text, "\n"+line+"\n") {
			return fmt.Errorf("no %s", line)
		}
	}
	return nil
}
