/* Placeholder until the subcommands land. */
int
main(void)
{
	return 2;
}
