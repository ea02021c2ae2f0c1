/* cli/help.h - programs and commands explained from their tables. */
#ifndef VN_CLI_HELP_H
#define VN_CLI_HELP_H

#include "cli/cli.h"

void vn_print_usage(FILE *f, const struct tool *p);
void vn_print_help(const struct tool *p, const struct command *c);
/* Whose commands 'help' explains; set before it runs. */
void vn_help_program(const struct tool *p);

#endif
