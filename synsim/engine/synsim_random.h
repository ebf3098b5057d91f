// Random bits in words, and exact binomial numbers of few trials from a few bits a trial.
//
// The generator is xoshiro256++ (Blackman & Vigna 2021, ACM Trans Math Softw 47:36), one for each
// thread or part of the synapses, which takes its state from Brian2's own generator of that thread at
// its first use after a reset; so Brian2's seed rules it.
//
// A binomial number of n trials, each a success with probability p, compares n uniform numbers
// with p. Five of them lie side by side in a word, 11 bits each and a guard bit above, and one
// subtraction compares all. Where the 11 bits do not decide, because they equal those of p
// (once in 2048), further 53 bits do: the probability is exact to 2^-64.

#ifndef SYNSIM_RANDOM_H
#define SYNSIM_RANDOM_H

#include <cmath>
#include <cstdint>
#ifdef _OPENMP
#include <omp.h>
#endif

namespace synsim {

struct alignas(64) Words {
    uint64_t state[4];
    bool seeded;

    uint64_t next()
    {
        const uint64_t result = rotated(state[0] + state[3], 23) + state[0];
        const uint64_t t = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= t;
        state[3] = rotated(state[3], 45);
        return result;
    }
    // uniform in [0, 1), a multiple of 2^-53
    double uniform() { return (double)(next() >> 11) / 9007199254740992.0; }

private:
    static uint64_t rotated(uint64_t word, int bits)
    {
        return (word << bits) | (word >> (64 - bits));
    }
};

enum { MOST_THREADS = 1024 };

// A template, so that one array serves all sources of a program.
template <int unused> struct Generators {
    static Words words[MOST_THREADS];
};
template <int unused> Words Generators<unused>::words[MOST_THREADS];

// The generator in use, where one was chosen: what is drawn for a part of the synapses then does not
// depend on the thread that works on it, and which thread this is need not be asked at every draw.
inline Words *&chosen_words()
{
    static thread_local Words *chosen = nullptr;
    return chosen;
}

class WordsOfPart {
    Words *before;

public:
    explicit WordsOfPart(int part) : before(chosen_words())
    {
        chosen_words() = &Generators<0>::words[part];
    }
    ~WordsOfPart() { chosen_words() = before; }
};

inline Words &words_in_use()
{
#ifdef _OPENMP
    Words *chosen = chosen_words();
    return chosen ? *chosen : Generators<0>::words[omp_get_thread_num()];
#else
    return Generators<0>::words[0];
#endif
}

// From now on, Brian2's generators say how it goes on.
inline void reset_random()
{
    for (int thread = 0; thread < MOST_THREADS; thread++)
        Generators<0>::words[thread].seeded = false;
}

template <typename Uniform>
__attribute__((noinline, cold)) void begin(Words &words, Uniform uniform)
{
    for (int k = 0; k < 4; k++) {
        // 53 bits are spread over 64 by the finaliser of splitmix64.
        uint64_t z = (uint64_t)(uniform() * 9007199254740992.0) + (k + 1) * 0x9E3779B97F4A7C15ULL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        words.state[k] = z ^ (z >> 31);
    }
    words.seeded = true;
}

// `uniform()` is Brian2's own draw of the thread.
template <typename Uniform> inline Words &random_words(Uniform uniform)
{
    Words &words = words_in_use();
    if (__builtin_expect(!words.seeded, 0))
        begin(words, uniform);
    return words;
}

enum { TRIALS_IN_WORD = 5, TRIAL_BITS = 11 };
const uint64_t TRIAL_ONES = 0x0001001001001001ULL; // bit 0 of each of the five lanes
const uint64_t TRIAL_GUARDS = TRIAL_ONES << TRIAL_BITS;

// At most five trials; p in [0, 1].
inline int32_t few_trials(int32_t n, double p, Words &words)
{
    const double scaled = p * (1 << TRIAL_BITS);
    const uint64_t bits = (uint64_t)(int32_t)scaled;
    const uint64_t mine = TRIAL_GUARDS & (((uint64_t)1 << (n * (TRIAL_BITS + 1))) - 1);
    // A guard bit stays where the lane's number is not below p's bits; there is no borrow
    // from lane to lane.
    const uint64_t compared = (words.next() | TRIAL_GUARDS) - bits * TRIAL_ONES;
    const uint64_t below = ~compared & mine;
    int32_t successes = __builtin_popcountll(below);
    // Lanes whose number equals p's bits: nothing is left beside the guard.
    const uint64_t open = compared & ~(((compared | TRIAL_GUARDS) - TRIAL_ONES)) & mine;
    if (__builtin_expect(open != 0, 0)) {
        const double rest = scaled - (int32_t)bits;
        for (int k = __builtin_popcountll(open); k > 0; k--)
            successes += words.uniform() < rest;
    }
    return successes;
}

// Many trials: inversion of the distribution function, in pieces small enough that no
// term underflows.
inline int32_t many_trials(int32_t n, double p, Words &words)
{
    const double r = p > 0.5 ? 1.0 - p : p;
    const double odds = r / (1.0 - r);
    const int32_t piece = r * n > 16.0 ? (int32_t)(16.0 / r) : n;
    int32_t drawn = 0;
    for (int32_t left = n; left > 0; left -= piece) {
        const int32_t m = left < piece ? left : piece;
        double term = std::pow(1.0 - r, m);
        double uniform = words.uniform();
        int32_t k = 0;
        while (uniform > term && k < m) {
            uniform -= term;
            k++;
            term *= odds * (m - k + 1) / k;
        }
        drawn += k;
    }
    return p > 0.5 ? n - drawn : drawn;
}

enum { MOST_IN_WORDS = 20 };

__attribute__((noinline, cold)) inline int32_t more_trials(int32_t n, double p, Words &words)
{
    if (n > MOST_IN_WORDS)
        return p > 0.0 && p < 1.0 ? many_trials(n, p, words) : p > 0.0 ? n : 0;
    int32_t drawn = 0;
    for (int32_t left = n; left > 0; left -= TRIALS_IN_WORD)
        drawn += few_trials(left < TRIALS_IN_WORD ? left : TRIALS_IN_WORD, p, words);
    return drawn;
}

// Binomial(n, p); what lies outside n >= 0 and 0 <= p <= 1 is taken for the nearest bound.
inline int32_t binomial(int32_t n, double p, Words &words)
{
    p = p > 0.0 ? p : 0.0;
    p = p < 1.0 ? p : 1.0;
    if (__builtin_expect(n > TRIALS_IN_WORD, 0))
        return more_trials(n, p, words);
    return few_trials(n > 0 ? n : 0, p, words);
}

} // namespace synsim

#endif
