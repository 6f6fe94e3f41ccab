/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies of files without compression: what they give, which are taken for good, and what is left behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "native/digest_impl.h"
#include "native/mention.h"
#include "native/module.h"
#include "native/unpacked_impl.h"
#include "native_program.h"

static char folder[128];
static struct lp_unpacked_opts opts = { folder, 1, UINT64_C(1) << 30, true };

static const char app_c[] = "static inline int twice(int v) { return v * 2; }\n"
			    "int first(int v) { return twice(v) + 1; }\n"
			    "int main(int c, char **v) {\n"
			    "	(void)v;\n"
			    "	return first(c);\n"
			    "}\n";

static int setup(void **state)
{
	setenv("LOGPOINT_CACHE", "", 1);
	native_setup(state);
	snprintf(folder, sizeof(folder), "%s/cache", program.dir);
	native_program_write(&program, "app.c", app_c);
	native_program_run(&program, "gcc -g -O1 -gz -Wl,--build-id app.c -o app");
	return 0;
}

static int teardown(void **state)
{
	opts = (struct lp_unpacked_opts){ folder, 1, UINT64_C(1) << 30, true };
	native_teardown(state);
	return 0;
}

/* Of a file of the folder; the test fails where one is expected and there is none. */
static int open_copy(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", program.dir, name);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	const int copy = lp_unpacked_open(fd, path, &opts);
	close(fd);
	return copy;
}

static ino_t inode_of_copy(void)
{
	struct stat st;
	const int copy = open_copy("app");

	assert_true(copy >= 0);
	assert_int_equal(fstat(copy, &st), 0);
	close(copy);
	return st.st_ino;
}

/* How many files there are; *ret_name is the last one's. */
static size_t count_copies(char ret_name[512])
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.') {
			n++;
			snprintf(ret_name, 512, "%s/%s", folder, e->d_name);
		}
	if (dir)
		closedir(dir);
	return n;
}

static void has_the_contents_of_objcopy(void **state)
{
	char name[512];

	(void)state;
	close(open_copy("app"));
	assert_int_equal(count_copies(name), 1);
	native_program_run(&program,
			   "objcopy --decompress-debug-sections app plain && "
			   "for s in info abbrev line str line_str aranges; do "
			   "objcopy -O binary --set-section-flags .debug_$s=alloc -j .debug_$s "
			   "plain a && "
			   "objcopy -O binary --set-section-flags .debug_$s=alloc -j .debug_$s "
			   "%s b && cmp a b || exit 1; done 2>/dev/null",
			   name);
	native_program_run(&program, "! readelf -SW %s | grep -q '[.]debug_.* C '", name);
	native_program_run(&program,
			   "test $(stat -c %%a %s) = 600 && test $(stat -c %%a cache) = 700", name);
}

static void has_the_same_places(void **state)
{
	size_t found[2];

	(void)state;
	native_program_run(&program,
			   "cp app same && gcc -g -O1 -gz -Wl,--build-id=none app.c -o none");
	for (int i = 0; i < 2; i++) {
		char name[512];

		if (i == 1) {
			close(open_copy("app"));
			assert_int_equal(count_copies(name), 1);
			native_program_run(&program, "cp --sparse=always %s copied", name);
		}
		native_program_open(&program, i ? "copied" : "app");
		assert_int_equal(native_program_line(&program, "app.c", 1), 0);
		found[i] = program.places.len;
		assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "first"), 0);
		assert_int_equal(program.places.data[0].line, 2);
	}
	assert_int_equal(found[0], found[1]);
	/* without a build-id there is nothing to know it by */
	assert_int_equal(open_copy("none"), -1);
}

/* A program with enough debug information to be kept. */
static void make_fat(const char *name)
{
	native_program_run(
		&program,
		"head -c 9000000 /dev/zero >pad && objcopy --add-section .debug_pad=pad app fat && "
		"objcopy --compress-debug-sections fat %s",
		name);
}

/* The program itself, and one with a debug file; without a cache, when a copy is made, and when it is there. */
static void modules_read_them(void **state)
{
	static const char *const files[][2] = { { "whole", "/whole" },
						{ "stripped", "/whole.debug" } };
	uint64_t addr[2] = { 0 };
	char name[512];

	(void)state;
	make_fat("whole");
	native_program_run(
		&program,
		"objcopy --only-keep-debug whole whole.debug && strip -o stripped whole && "
		"objcopy --add-gnu-debuglink=whole.debug stripped");
	for (size_t i = 0; i < LP_ARRAY_SIZE(files); i++)
		for (int run = 0; run < 3; run++) {
			const char *path = NULL;

			setenv("LOGPOINT_CACHE", run ? folder : "", 1);
			native_program_open(&program, files[i][0]);
			assert_int_equal(native_program_line(&program, "app.c", 1), 0);
			assert_true(run ? program.module->copy != NULL : !program.module->copy);
			addr[run > 0] = program.places.data[0].vaddr;
			assert_int_equal(addr[0], addr[run > 0]);
			assert_true(lp_module_has_dwarf(program.module, &path));
			assert_non_null(strstr(path, files[i][1]));
			assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "first"),
					 0);
			assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "twic"),
					 -ENOENT);
			assert_int_equal(count_copies(name), run ? i + 1 : i);
		}
}

static void is_made_once(void **state)
{
	char name[512];

	(void)state;
	opts.make = false;
	assert_int_equal(open_copy("app"), -1);
	opts.make = true;
	const ino_t made = inode_of_copy();
	assert_int_equal(inode_of_copy(), made);
	opts.make = false;
	assert_int_equal(inode_of_copy(), made);
	opts.make = true;
	opts.min = UINT64_C(1) << 30;
	assert_int_equal(open_copy("app"), -1);
	opts.min = 1;
	assert_int_equal(count_copies(name), 1);
}

/* What is damaged, of another file or of a boot that ended in a crash is made anew. */
static void damaged_copies_are_made_anew(void **state)
{
	static const char *const damages[] = {
		"truncate -s -1 $f",
		"truncate -s 4096 $f",
		": > $f",
		"printf x | dd of=$f bs=1 seek=5000 conv=notrunc 2>/dev/null",
		"t=$(stat -c %y $f); printf x | dd of=$f bs=1 seek=40 conv=notrunc 2>/dev/null; "
		"touch -d \"$t\" $f",
		"t=$(stat -c %y $f); m=$(grep -abo 'logpoint copy' $f | cut -d: -f1); "
		"printf 0 | dd of=$f bs=1 seek=$((m + 48)) conv=notrunc 2>/dev/null; touch -d "
		"\"$t\" $f",
		"t=$(stat -c %y $f); m=$(grep -abo 'logpoint copy' $f | cut -d: -f1); "
		"truncate -s $((m + 88)) $f; touch -d \"$t\" $f",
		"t=$(stat -c %y $f); s=$(stat -c %s $f); truncate -s 0 $f; truncate -s $s $f; "
		"touch -d \"$t\" $f",
		"chmod 666 $f",
	};
	char name[512];

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(damages); i++) {
		inode_of_copy();
		assert_int_equal(count_copies(name), 1);
		native_program_run(&program, "f=%s; ln $f held; %s", name, damages[i]);
		struct stat damaged;
		assert_int_equal(stat(name, &damaged), 0);
		if (inode_of_copy() == damaged.st_ino)
			fail_msg("%s: taken for good", damages[i]);
		native_program_run(&program, "rm held");
		assert_int_equal(count_copies(name), 1);
	}
}

/* Writes to the copy without that being seen by its time. */
static void change_copy(uint64_t at, void *bytes, size_t len, bool put)
{
	char name[512];
	struct stat st;

	assert_int_equal(count_copies(name), 1);
	const int fd = open(name, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	const struct timespec times[] = { st.st_atim, st.st_mtim };
	if (put)
		assert_int_equal(lp_unpacked_pwrite(fd, bytes, len, at), 0);
	else
		assert_int_equal(lp_unpacked_pread(fd, bytes, len, at), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

/* Opens the program, whose copy it finds; the same is found whatever there is of a digest. */
static bool opens_with_digest(void)
{
	native_program_open(&program, "whole");
	assert_int_equal(native_program_line(&program, "app.c", 99), -ESRCH);
	assert_int_equal(native_program_line(&program, "app.c", 5), 0);
	assert_int_equal(native_program_line(&program, "none.c", 5), -ENOENT);
	assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "first"), 0);
	assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "main"), 0);
	assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "twic"), -ENOENT);
	assert_non_null(program.module->copy);
	return program.module->digest.tail != NULL;
}

static void damaged_digests_are_not_used(void **state)
{
	struct lp_digest_tail tail;
	uint8_t byte;

	(void)state;
	make_fat("whole");
	setenv("LOGPOINT_CACHE", folder, 1);
	assert_true(opens_with_digest());
	assert_true(opens_with_digest());
	tail = *program.module->digest.tail;
	const uint64_t end = program.module->digest.file.len;
	const uint64_t damages[] = {
		tail.tables[LP_DIGEST_CODE].at,
		tail.tables[LP_DIGEST_UNITS].at + 20,
		tail.tables[LP_DIGEST_RANGES].at + 9,
		tail.tables[LP_DIGEST_FILES].at + 2,
		tail.tables[LP_DIGEST_FILTERS].at + 17,
		end - sizeof(tail),
		end - sizeof(tail) + offsetof(struct lp_digest_tail, flags),
		end - 20,
		end - 1,
	};
	for (size_t i = 0; i < LP_ARRAY_SIZE(damages); i++) {
		change_copy(damages[i], &byte, 1, false);
		byte ^= 4;
		change_copy(damages[i], &byte, 1, true);
		if (opens_with_digest())
			fail_msg("damage %zu: taken for good", i);
		byte ^= 4;
		change_copy(damages[i], &byte, 1, true);
	}
	assert_true(opens_with_digest());
}

/* An empty filter would say "no" to everything. */
static void damaged_filters_are_not_used(void **state)
{
	struct lp_name_pattern pattern;

	(void)state;
	make_fat("whole");
	setenv("LOGPOINT_CACHE", folder, 1);
	assert_true(opens_with_digest());
	const struct lp_digest *d = &program.module->digest;
	const struct lp_digest_table *t = &d->tail->tables[LP_DIGEST_FILTERS];
	const struct lp_digest_filter f =
		*(const struct lp_digest_filter *)(const void *)(d->file.data + t->at);
	uint64_t *zeros = calloc(f.words, sizeof(*zeros));

	assert_int_equal(t->n, 1);
	assert_non_null(zeros);
	change_copy(f.at, zeros, f.words * sizeof(*zeros), true);
	free(zeros);
	assert_true(opens_with_digest());
	lp_name_pattern_init(&pattern, "first");
	const struct lp_naming *naming =
		lp_naming_of(program.module, &pattern, LP_NAMING_FUNCTIONS);
	assert_non_null(naming);
	assert_int_equal(naming->units.len, 1);
}

static void foreign_folders_are_not_used(void **state)
{
	char name[512];

	(void)state;
	native_program_run(&program, "mkdir other && ln -s other cache");
	assert_int_equal(open_copy("app"), -1);
	native_program_run(&program, "rmdir other && rm cache && mkdir cache && chmod 777 cache");
	assert_int_equal(open_copy("app"), -1);
	native_program_run(&program, "chmod 700 cache && test -z \"$(ls cache)\"");

	/* a link in place of a copy */
	inode_of_copy();
	assert_int_equal(count_copies(name), 1);
	native_program_run(&program, "mv %s elsewhere && ln -s $PWD/elsewhere %s", name, name);
	assert_int_equal(open_copy("app"), -1);
	if (geteuid() == 0) {
		native_program_run(&program, "rm %s && chown 1 cache", name);
		assert_int_equal(open_copy("app"), -1);
		native_program_run(&program, "chown 0 cache");
	}
	opts.folder = "/proc/nowhere";
	assert_int_equal(open_copy("app"), -1);
	opts.folder = folder;
}

static void a_damaged_original_leaves_nothing(void **state)
{
	char name[512];

	(void)state;
	/* in the middle of what is compressed */
	native_program_run(
		&program,
		"o=$(readelf -SW app | sed -n 's/^ *.[ 0-9]*. [.]debug_info *[A-Z]* *[0-9a-f]* "
		"\\([0-9a-f]*\\).*/\\1/p'); cp app broken; "
		"printf '\\377\\377\\377\\377' | dd of=broken bs=1 seek=$((0x$o + 60)) "
		"conv=notrunc "
		"2>/dev/null");
	assert_int_equal(open_copy("broken"), -1);
	assert_int_equal(count_copies(name), 0);
}

static void the_least_recently_used_goes_first(void **state)
{
	char name[512];
	struct stat st;

	(void)state;
	native_program_run(&program, "for i in 1 2 3; do gcc -DN=$i -g -gz -O$((i - 1)) "
				     "-Wl,--build-id app.c -o app$i; done");
	close(open_copy("app1"));
	assert_int_equal(count_copies(name), 1);
	assert_int_equal(stat(name, &st), 0);
	const uint64_t size = (uint64_t)st.st_blocks * 512;
	close(open_copy("app2"));
	close(open_copy("app1"));
	assert_int_equal(count_copies(name), 2);

	opts.total = 3 * size - size / 3;
	close(open_copy("app3"));
	assert_int_equal(count_copies(name), 2);
	opts.make = false;
	assert_int_equal(open_copy("app2"), -1);
	const int kept = open_copy("app1");
	opts.make = true;
	assert_true(kept >= 0);
	close(kept);
	opts.total = 100;
	assert_int_equal(open_copy("app2"), -1);
}

/* A file that takes a moment: much text that can be compressed. */
static void make_big(void)
{
	native_program_run(&program, "head -c 150000000 /dev/zero | tr '\\0' x > text && "
				     "objcopy --add-section .debug_str2=text app fat && "
				     "objcopy --compress-debug-sections fat big && rm text fat");
}

static void two_at_once_have_one_each(void **state)
{
	char name[512];
	pid_t children[4];

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(children); i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(open_copy("app") >= 0 ? 0 : 1);
	}
	for (size_t i = 0; i < LP_ARRAY_SIZE(children); i++) {
		int status;

		waitpid(children[i], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_copies(name), 1);
}

static bool has_unnamed_copy(pid_t pid)
{
	char path[64], target[512];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	struct dirent *e;
	bool found = false;

	while (dir && (e = readdir(dir))) {
		const ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		found |= strstr(target, "/cache/#") != NULL;
	}
	if (dir)
		closedir(dir);
	return found;
}

static void killed_it_leaves_nothing(void **state)
{
	char name[512];
	int status;

	(void)state;
	make_big();
	const pid_t child = fork();
	if (child == 0)
		_exit(open_copy("big") >= 0 ? 0 : 1);
	while (!has_unnamed_copy(child) && waitpid(child, &status, WNOHANG) == 0)
		usleep(100);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(count_copies(name), 0);
	const int copy = open_copy("big");
	assert_true(copy >= 0);
	close(copy);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(has_the_contents_of_objcopy),
		TEST(has_the_same_places),
		TEST(modules_read_them),
		TEST(is_made_once),
		TEST(damaged_copies_are_made_anew),
		TEST(damaged_digests_are_not_used),
		TEST(damaged_filters_are_not_used),
		TEST(foreign_folders_are_not_used),
		TEST(a_damaged_original_leaves_nothing),
		TEST(the_least_recently_used_goes_first),
		TEST(two_at_once_have_one_each),
		TEST(killed_it_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
