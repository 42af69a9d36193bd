# Clearspan. Non-recursive; "make" on a fresh clone makes and runs configure.
# B names the build directory, SAN the sanitizers, so that builds live side by
# side: make B=build/asan SAN=address,undefined check

# What is ours to set comes from the command line. In the environment the same
# names mean something else to whoever put them there.
OURS	= B V Q SAN T S E2E BENCH KIND confdir unitdir usersdir
$(foreach v,$(OURS),$(if $(filter environment%,$(origin $(v))),\
    $(eval override undefine $(v))))

B	?= build
SAN	?=
V	?=
Q	= $(if $(V),,@)
say	= $(if $(V),,@echo '  $(1)	$(2)')

include config.mk
ifeq ($(prefix),NONE)
prefix	= /usr/local
endif

# Lowest last: a room includes, and links against, only what follows it.
ROOMS	= admin chain sink adapt icap proxy verdict http stream policy conf tls net codec util

WARN	= -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes \
	  -Wmissing-prototypes -Wwrite-strings -Wundef -Wformat=2 -Wvla \
	  -Wno-unused-parameter -Wno-missing-field-initializers
HARD	= -fPIE -fstack-protector-strong -fstack-clash-protection
HARDLD	= -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
ifeq ($(SAN),)
HARD	+= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
else
HARD	+= -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
HARDLD	+= -fsanitize=$(SAN)
endif
CF	= -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc $(WARN) \
	  $(HARD) $(DEP_CFLAGS) $(OPT) $(CFLAGS)
LF	= $(HARDLD) $(LDFLAGS)

# A room may have an inner one: src/tls/bulk.
SRC	= $(foreach r,$(ROOMS),$(wildcard src/$(r)/*.c src/$(r)/*/*.c))
LIBS	= $(foreach r,$(ROOMS),$(if $(wildcard src/$(r)/*.c),$(B)/lib/$(r).a))
MAINOBJ	= $(patsubst %.c,$(B)/%.o,$(wildcard src/main/*.c))
TESTS	= $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/*/*_test.c))
FUZZ	= $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))

all: $(B)/clearspan

config.mk: config.mk.in configure
	@./configure --quiet
configure: configure.ac
	@autoconf

$(B)/clearspan: $(MAINOBJ) $(LIBS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LF) -o $@ $(MAINOBJ) $(LIBS) $(DEP_LIBS)

$(B)/%.o: %.c config.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CF) -MMD -MP -c -o $@ $<

define room
$(B)/lib/$(1).a: $(patsubst %.c,$(B)/%.o,$(wildcard src/$(1)/*.c src/$(1)/*/*.c))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

# The products that are known without a file: etc/products, as texts in C.
PRODUCTS = $(sort $(wildcard etc/products/*.yaml))
$(B)/gen/products.c: $(PRODUCTS) Makefile
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	@{ echo '#include "conf/shipped.h"'; \
	  echo 'const struct shipped shipped_products[] = {'; \
	  for f in $(PRODUCTS); do \
	    echo "{ \"$$f\","; \
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $$f; \
	    echo '},'; \
	  done; echo '{ 0, 0 } };'; } >$@
$(B)/gen/%.o: $(B)/gen/%.c config.mk
	$(call say,CC,$<)
	$(Q)$(CC) $(CF) -MMD -MP -c -o $@ $<
$(B)/lib/conf.a: $(B)/gen/products.o

# A unit test links its own room and those below it, and no other.
below	= $(filter-out util,$(shell echo "$(ROOMS) " | \
	  sed 's/.*\<\($(1)\) /\1 /')) util
define test
$(B)/tests/unit/$(1)/%_test: tests/unit/$(1)/%_test.c tests/unit/test.h \
    $(foreach r,$(call below,$(1)),$(if $(wildcard src/$(r)/*.c),$(B)/lib/$(r).a))
	$$(call say,TEST,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CF) $$(CHECK_CFLAGS) -Itests/unit -MMD -MP $$(LF) -o $$@ $$< \
	    $$(filter %.a,$$^) $$(CHECK_LIBS) $$(DEP_LIBS)
endef
$(foreach r,$(ROOMS),$(eval $(call test,$(r))))

# Each tests/fuzz/X_fuzz.c has its inputs in tests/corpus/X/. They are replayed
# with the compiler at hand by check-corpus; "make fuzz T=X S=60" looks for new
# ones with libFuzzer. New inputs go to $(B)/fuzz/X.new, for a person to pick
# from; T with nothing runs every target in turn.
T	?= $(FUZZ)
S	?= 60
REPLAY	= $(FUZZ:%=$(B)/tests/replay/%)
FUZZCF	= -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -g -O1 \
	  -fsanitize=address,undefined -fno-sanitize-recover=all \
	  $(DEP_CFLAGS)

$(B)/tests/replay/%: tests/fuzz/%_fuzz.c tests/fuzz/replay.c $(LIBS)
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CF) -UNDEBUG $(LF) -o $@ $(filter %.c,$^) $(LIBS) $(DEP_LIBS)

FUZZOBJ	= $(SRC:%.c=$(B)/fuzzobj/%.o)

$(B)/fuzzobj/%.o: %.c config.mk
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZCF) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(B)/fuzzobj/gen/%.o: $(B)/gen/%.c config.mk
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZCF) -fsanitize=fuzzer-no-link -c -o $@ $<

$(B)/fuzzobj/all.a: $(FUZZOBJ) $(B)/fuzzobj/gen/products.o
	@rm -f $@
	@ar rcs $@ $^

$(B)/fuzz/%: tests/fuzz/%_fuzz.c $(B)/fuzzobj/all.a
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZCF) -fsanitize=fuzzer -o $@ $^ $(DEP_LIBS)

check-corpus: $(REPLAY)
	@for t in $(FUZZ); do \
	    $(B)/tests/replay/$$t tests/corpus/$$t || exit 1; done

fuzz: $(T:%=$(B)/fuzz/%)
	@for t in $(T); do mkdir -p $(B)/fuzz/$$t.new && \
	    $(B)/fuzz/$$t -max_total_time=$(S) -timeout=10 -max_len=70000 \
	    -print_final_stats=1 -artifact_prefix=$(B)/fuzz/$$t- \
	    $(B)/fuzz/$$t.new tests/corpus/$$t || exit 1; done

# Programs that measure: make build/tests/bench/hs
$(B)/tests/bench/%: tests/bench/%.c $(LIBS)
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CF) -MMD -MP $(LF) -o $@ $< $(filter %.a,$^) $(DEP_LIBS)

.PHONY: all check check-corpus fuzz clean
check: $(TESTS) check-corpus
	@tests/unit/run $(TESTS)
check-%: 
	@$(MAKE) --no-print-directory \
	    $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/$*/*_test.c))
	@tests/unit/run $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/$*/*_test.c))

# No call that OpenSSL 3 has deprecated, and no engine: 4 is without them.
NODEP	= -DOPENSSL_NO_DEPRECATED -DOPENSSL_API_COMPAT=30000 \
	  -DOPENSSL_NO_ENGINE
$(B)/lint/%.ok: %.c config.mk
	$(call say,LINT,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CF) $(NODEP) -Werror -MMD -MP -MF $(@:.ok=.d) -MT $@ \
	    -fsyntax-only $<
	@touch $@

lint: $(patsubst %.c,$(B)/lint/%.ok,$(SRC) $(wildcard src/main/*.c)) \
    $(SRC:%.c=$(B)/%.o)
	@B=$(B) contrib/lint

# What goes where; DESTDIR before all of it. The program looks for its
# configuration in /etc/clearspan unless told, so the usual prefixes have it
# there. Nothing of the operator's is overwritten or removed.
confdir	?= $(if $(filter /usr /usr/local,$(prefix)),/etc,$(sysconfdir))/clearspan
unitdir	?= $(prefix)/lib/systemd/system
usersdir ?= $(prefix)/lib/sysusers.d
MAN5	= $(wildcard man/*.5)
MAN8	= $(wildcard man/*.8)
LISTS	= $(wildcard etc/lists/*)
PRODEX	= $(PRODUCTS:etc/products/%=$(confdir)/products/%.example)
FORUNIT	= sed -e 's,/usr/sbin/,$(sbindir)/,' -e 's,/etc/clearspan/,$(confdir)/,'

install: all
	install -d $(addprefix $(DESTDIR),$(sbindir) $(mandir)/man5 \
	    $(mandir)/man8 $(confdir)/lists $(confdir)/products $(unitdir) $(usersdir))
	install -m 755 $(B)/clearspan $(DESTDIR)$(sbindir)/clearspan
	$(if $(MAN5),install -m 644 $(MAN5) $(DESTDIR)$(mandir)/man5)
	$(if $(MAN8),install -m 644 $(MAN8) $(DESTDIR)$(mandir)/man8)
	install -m 644 etc/clearspan.yaml \
	    $(DESTDIR)$(confdir)/clearspan.yaml.example
	install -m 644 etc/three-tiers.yaml \
	    $(DESTDIR)$(confdir)/three-tiers.yaml.example
	$(foreach l,$(LISTS),install -m 644 $(l) \
	    $(DESTDIR)$(confdir)/lists/$(notdir $(l)).example;)
	$(foreach p,$(PRODUCTS),install -m 644 $(p) \
	    $(DESTDIR)$(confdir)/products/$(notdir $(p)).example;)
	$(FORUNIT) etc/clearspan.service >$(B)/clearspan.service
	install -m 644 $(B)/clearspan.service $(DESTDIR)$(unitdir)
	install -m 644 etc/clearspan.sysusers \
	    $(DESTDIR)$(usersdir)/clearspan.conf

uninstall:
	rm -f $(addprefix $(DESTDIR),$(sbindir)/clearspan \
	    $(MAN5:man/%=$(mandir)/man5/%) $(MAN8:man/%=$(mandir)/man8/%) \
	    $(confdir)/clearspan.yaml.example \
	    $(confdir)/three-tiers.yaml.example $(PRODEX) \
	    $(LISTS:etc/lists/%=$(confdir)/lists/%.example) $(unitdir)/clearspan.service \
	    $(usersdir)/clearspan.conf)

# What is committed, and configure, which then needs no autoconf.
dist: configure
	@mkdir -p $(B)
	git archive --format=tar.gz --prefix=clearspan-$(VERSION)/ \
	    --add-file=configure -o $(B)/clearspan-$(VERSION).tar.gz HEAD

# The packet rules, in namespaces; as root.
check-rules: all
	@tests/unit/net/transparent.sh $(B)/clearspan

.PHONY: lint install uninstall dist check-rules

# Measures this build beside haproxy, sslsplit and squid: root, two cores and
# about six minutes. BENCH passes options on: make bench BENCH='--only idle'
BENCHBIN = $(patsubst tests/bench/%.c,$(B)/tests/bench/%,\
	  $(wildcard tests/bench/*.c))
.PHONY: bench
bench: $(B)/clearspan $(BENCHBIN)
	@tests/bench/run --binary $(B)/clearspan --tools $(B)/tests/bench $(BENCH)

# The whole in namespaces of its own, against real programs; wants root. asan
# and tsan: unit tests and scenarios again, in a sanitizer's build.
KIND	= $(if $(findstring address,$(SAN)),asan,$(if $(findstring \
	  thread,$(SAN)),tsan,plain))
e2e: all
	@CLEARSPAN=$(B)/clearspan KIND=$(KIND) tests/e2e/run.py $(E2E)
asan:
	@$(MAKE) --no-print-directory B=build/asan SAN=address,undefined check
	@$(MAKE) --no-print-directory B=build/asan SAN=address,undefined e2e
tsan: export TSAN_OPTIONS = suppressions=$(CURDIR)/tests/tsan.supp
tsan:
	@$(MAKE) --no-print-directory B=build/tsan SAN=thread check
	@$(MAKE) --no-print-directory B=build/tsan SAN=thread e2e
demo: all
	@CLEARSPAN=$(B)/clearspan contrib/demo
test:
	@tests/all
# The long run of what e2e does with a few thousand connections: 100,000; and
# the same through a chain of devices, 2,000 sessions at once, and transfers of
# 1 GiB each way.
soak: all
	@CROWD=100000 AT_ONCE=2000 BULK=1024 CLEARSPAN=$(B)/clearspan \
	  KIND=$(KIND) tests/e2e/run.py -v -j 1 \
	  -k 'crowd_of|^a_crowd|^many_sessions_at|^long_transfers'

.PHONY: e2e asan tsan demo test soak

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
