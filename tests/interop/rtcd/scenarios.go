package main

// What is asked of both servers. differs: the row of the table of differences (docs/rtcd.md) that says why
// rtcd itself does not do this; then it need not.
type scenario struct {
	name    string
	run     func(s *server) error
	differs string
}

const (
	noFarewell  = "a session that ends"
	deadlyFlood = "a flood of joins, leaves and what is no message, until the client is gone"
)

// Rows of which a run may see nothing: what rtcd does now and then, or when the machine has no moment to spare.
var sometimes = []string{noFarewell, deadlyFlood, "no idle processor in a second", "a client that comes by TCP alone", "shutting down"}

var scenarios = []scenario{
	{"registering, once", register, ""},
	{"every refusal of the API, status and body", refusals, ""},
	{"a login gives a token, and the next one takes it away", login, ""},
	{"a token opens a WebSocket, until the next login", tokenUpgrade, ""},
	{"version and load", about,
		"no idle processor in a second"},
	{"no connection with a wrong key", wrongKey, ""},
	{"joining, being listed, leaving", joinAndLeave, ""},
	{"joins that cannot be are not answered, and end nothing", badJoins, ""},
	{"50 sessions in one call", manySessions, ""},
	{"two clients do not see each other", isolated, ""},
	{"a client cannot end another's session", owned,
		"sessions of another client, named by id"},
	{"a session follows its reconnect to another node", reconnect,
		"`close` after a `reconnect`"},
	{"a lost connection ends no session, and the end is told to the next", lostConnection,
		"its connection is gone"},
	{"no offer in ten seconds", noOffer, ""},
	{"what is no message harms nobody", badMessages, ""},
	{"a message over 1 MiB closes with 1009", tooLarge, ""},
	{"a flood by one who does not read harms nobody", flood, deadlyFlood},
	{"pings keep a silent client", silence, ""},
	{"many clients register at once", herd, ""},
	{"two voices, muted and not", voices, ""},
	{"a screen: one presenter, who comes late sees it, and the next presents", screens, ""},
	{"a screen in two layers, which change without another offer", layers,
		"a screen in two layers"},
	{"a camera, switched off and on", cameras, ""},
	{"who speaks", speech, ""},
	{"a screen in AV1 and VP8: each sees what it knows", twoCodecs, ""},
	{"who has left is told so by its transport", farewell, noFarewell},
	{"sections are used again", turnover, "a voice that left"},
	{"50 sessions hear two voices", crowd, ""},
	{"the C client registers, joins, is listed, leaves", cClient, ""},
	{"a call with media by the C client", cClientMedia, ""},
	{"the C client gives back what it hears and sees", echoed, "a client without a data channel"},
	{"a call with media in a process with the server inside", embedded, "inside another process"},
	{"metrics have rtcd's names, labels and bounds", metrics, ""},
	{"metrics of a call with media", mediaMetrics, ""},
}

// Each has a server of its own, which it ends: one that was in use waits for whoever is left in it.
var endings = []scenario{
	{"a restart: clients are known, and come back", restart, ""},
	{"a restart: keys are remembered, tokens are not", remembered((*server).stop), ""},
	{"a sudden end: keys are remembered, tokens are not", remembered((*server).crash), ""},
	{"a store has one server", oneStore, ""},
	{"50 clients lose their connections at once, and come back", herdReturns, ""},
	{"rtcd's user agents are told that the server has gone, and come back", restartedCall, ""},
	{"while draining calls may be joined, and all is answered", drainOpen, ""},
	{"draining waits for the last session", drain,
		"shutting down"},
	{"while draining a session moves to another node", drainMoves, "`close` after a `reconnect`"},
	{"a drain that is taken back", drainNot, "draining"},
}
