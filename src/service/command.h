#pragma once

/* What the program can be told to do; argv[0] is the command. Returns the exit status. */

int sl_command_serve(int argc, char **argv);
int sl_command_token(int argc, char **argv);
int sl_command_config(int argc, char **argv);
int sl_command_bench(int argc, char **argv);
int sl_command_bench_rtcd(int argc, char **argv); /* "sluice bench rtcd" */
int sl_command_replay(int argc, char **argv);
int sl_command_import_rtcd(int argc, char **argv);
