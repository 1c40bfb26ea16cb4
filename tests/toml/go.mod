// The toml-test suite, of which run.sh builds the runner. The version of BurntSushi/toml that it
// names is no longer served; 1.5.0 is the release before it.
module sluice.invalid/tests/toml

go 1.19

require github.com/toml-lang/toml-test v1.6.0

require (
	github.com/BurntSushi/toml v1.5.1-0.20250415140922-f225e861e346
	github.com/rivo/uniseg v0.4.7
	zgo.at/jfmt v0.0.0-20240726113937-e6436421fade
	zgo.at/runewidth v0.1.0
	zgo.at/termtext v1.5.0
	zgo.at/zli v0.0.0-20241220135549-7a37675fadfd
	zgo.at/zstd v0.0.0-20240531161000-9840c0c39ff5
)

replace github.com/BurntSushi/toml => github.com/BurntSushi/toml v1.5.0
