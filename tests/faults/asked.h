// What tracer.c is asked to do.
#pragma once

#include <stdbool.h>

#include "calls.h"

enum action { action_none, action_error, action_short, action_kill, action_tear };

struct asked {
  bool chosen[known_calls];  // which of the known calls count
  enum action action;
  int error_number;
  unsigned long long at;  // which call, from 1; 0 for none
  bool lasts;             // so do all later ones
  bool creating;          // only opens that may make a file
  bool files;             // only calls on files
  const char* report_path;
};

/// Returns the program and its arguments. Ends the process if the options are wrong.
char** read_options(int argc, char** argv, struct asked* asked);
