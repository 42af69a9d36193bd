/*
 * Feeds files, or all files of directories, to a fuzz target, so that `make
 * check` replays the corpora with any compiler. Each input is in a malloc'ed
 * copy of its very size: a read past its end is the sanitizer's to see.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
replay_file(const char *path)
{
	struct stat st;
	uint8_t *data = NULL;
	FILE *f;
	int e = -1;

	if ((f = fopen(path, "rb")) == NULL || fstat(fileno(f), &st) != 0)
		goto out;
	data = malloc((size_t)st.st_size + (st.st_size == 0));
	if (data == NULL ||
	    fread(data, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		goto out;
	if (getenv("REPLAY_NAMES") != NULL)
		fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	e = 0;
out:
	if (e != 0)
		perror(path);
	free(data);
	if (f != NULL)
		fclose(f);
	return e;
}

static int
replay(const char *path, unsigned *count)
{
	char name[4096];
	struct dirent *d;
	DIR *dir;
	int e = 0;

	if ((dir = opendir(path)) == NULL) {
		++*count;
		return replay_file(path);
	}
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		++*count;
		e |= replay_file(name);
	}
	closedir(dir);
	return e;
}

int
main(int argc, char **argv)
{
	unsigned count = 0;
	int i, e = 0;

	for (i = 1; i < argc; i++)
		e |= replay(argv[i], &count);
	printf("%s: %u inputs replayed\n", argv[0], count);
	return e == 0 && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
