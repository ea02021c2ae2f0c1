/* Methods are chosen by scores of the same samples, and what lies within the spread is no difference. */
#include "convert/method_choice.h"
#include "unit.h"

enum { SAMPLES = 24, TRIALS = 3 };

struct scores {
    struct held_score score[TRIALS][SAMPLES];
    char done[TRIALS][SAMPLES];
    struct method_trial trial[TRIALS];
};

/* Samples differ by up to 10 dB, methods by `gain`, and each from its own by up to 1 dB. */
static void fill(struct scores *s, const double *gain)
{
    unit_seed = 3;
    *s = (struct scores){ 0 };
    for (int i = 0; i < SAMPLES; i++) {
        const double of_sample = 20 + unit_pick(0, 1000) / 100.0;
        for (int t = 0; t < TRIALS; t++) {
            s->trial[t].score = s->score[t];
            s->trial[t].done = s->done[t];
            s->done[t][i] = 1;
            const double sqnr = of_sample + gain[t] + unit_pick(0, 100) / 100.0;
            s->score[t][i] = (struct held_score){ sqnr, sqnr + 5, 0.9 };
        }
    }
}

static int choose(const struct scores *s) { return vn_trials_choose(s->trial, TRIALS, SAMPLES); }

static void the_best_is_chosen(void **state)
{
    (void)state;
    struct scores s;
    fill(&s, (const double[]){ 0, 2, 1 });
    assert_int_equal(choose(&s), 1);
    const struct trial_summary t = vn_trial_summary(&s.trial[1], SAMPLES);
    assert_true(t.samples == SAMPLES && t.worst < t.sqnr && t.agreement > 0.899 && t.agreement < 0.901);
    vn_trials_drop(s.trial, TRIALS, SAMPLES);
    assert_true(s.trial[0].dropped && !s.trial[1].dropped && s.trial[2].dropped);
}

static void decisions_come_first(void **state)
{
    (void)state;
    struct scores s;
    fill(&s, (const double[]){ 0, 2, 1 });
    for (int i = 0; i < SAMPLES; i++)
        s.score[1][i].agreement = i % 2 ? 0.9 : 0.8;
    assert_int_equal(choose(&s), 2);
    s.trial[2].dropped = 1;
    assert_int_equal(choose(&s), 0);
}

static void a_few_decisions_are_no_difference(void **state)
{
    (void)state;
    struct scores s;
    fill(&s, (const double[]){ 0, 2, 1 });
    s.score[1][5].agreement = 0.8;
    assert_int_equal(choose(&s), 1);
}

static void a_sample_that_breaks_counts(void **state)
{
    (void)state;
    struct scores s;
    fill(&s, (const double[]){ 0, 0.1, 0 });
    s.score[1][5].sqnr = -15;
    assert_true(choose(&s) != 1);
}

static void equal_ones_give_the_first(void **state)
{
    (void)state;
    struct scores s;
    fill(&s, (const double[]){ 0, 0, 0 });
    memcpy(s.score[1], s.score[0], sizeof s.score[0]);
    memcpy(s.score[2], s.score[0], sizeof s.score[0]);
    assert_int_equal(choose(&s), 0);
    for (int t = 0; t < TRIALS; t++)
        memset(s.done[t] + 1, 0, SAMPLES - 1);
    s.score[2][0].sqnr += 1; /* of one sample nothing spreads */
    assert_int_equal(choose(&s), 2);
    vn_trials_drop(s.trial, TRIALS, SAMPLES);
    assert_false(s.trial[0].dropped);
}

static int helps(const struct scores *s) { return vn_trial_helps(&s->trial[1], &s->trial[0], SAMPLES); }

static void only_more_than_the_spread_helps(void **state)
{
    (void)state;
    struct scores s;
    fill(&s, (const double[]){ 0, 1, 0 });
    assert_true(helps(&s));
    for (int i = 0; i < SAMPLES; i++)
        s.score[1][i].each -= 2; /* the worst output gains, the others lose */
    assert_false(helps(&s));
    fill(&s, (const double[]){ 0, 1, 0 });
    s.score[1][7].agreement = 0.89;
    assert_false(helps(&s));
    fill(&s, (const double[]){ 0, 0.02, 0 });
    assert_false(helps(&s));
    fill(&s, (const double[]){ 0, -1, 0 });
    assert_false(helps(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_chosen),
        cmocka_unit_test(decisions_come_first),
        cmocka_unit_test(a_few_decisions_are_no_difference),
        cmocka_unit_test(a_sample_that_breaks_counts),
        cmocka_unit_test(equal_ones_give_the_first),
        cmocka_unit_test(only_more_than_the_spread_helps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
