// SPDX-License-Identifier: MIT
// QuantLib's side of the comparison (bench/README.md): the fastest way that its own classes offer for each piece of work. One thread.
//
//     peer_quantlib [WHAT]...        only these figures; all without
#include <ql/exercise.hpp>
#include <ql/instruments/asianoption.hpp>
#include <ql/instruments/vanillaoption.hpp>
#include <ql/pricingengines/asian/mc_discr_arith_av_price.hpp>
#include <ql/pricingengines/blackcalculator.hpp>
#include <ql/pricingengines/blackformula.hpp>
#include <ql/pricingengines/vanilla/analyticeuropeanengine.hpp>
#include <ql/pricingengines/vanilla/binomialengine.hpp>
#include <ql/pricingengines/vanilla/mcamericanengine.hpp>
#include <ql/pricingengines/vanilla/mceuropeanengine.hpp>
#include <ql/processes/blackscholesprocess.hpp>
#include <ql/quotes/simplequote.hpp>
#include <ql/termstructures/volatility/equityfx/blackconstantvol.hpp>
#include <ql/termstructures/yield/flatforward.hpp>
#include <ql/time/calendars/nullcalendar.hpp>
#include <ql/time/daycounters/actual360.hpp>
#include <ql/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <vector>

using namespace QuantLib;

namespace {

const Real spot = 100, strike = 110, rate = 0.05, volatility = 0.2;
const Date today(15, January, 2024);

// Actual/360 makes 90 days a quarter of a year and 360 days one year, exactly.
ext::shared_ptr<BlackScholesMertonProcess> make_process() {
  DayCounter days = Actual360();
  Handle<Quote> quote(ext::make_shared<SimpleQuote>(spot));
  Handle<YieldTermStructure> none(ext::make_shared<FlatForward>(today, 0.0, days)), flat(ext::make_shared<FlatForward>(today, rate, days));
  Handle<BlackVolTermStructure> vol(ext::make_shared<BlackConstantVol>(today, NullCalendar(), volatility, days));
  return ext::make_shared<BlackScholesMertonProcess>(quote, none, flat, vol);
}

double now_ns() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

// The best of some runs: the work is always the same.
template <typename Work> double best_ns(int rounds, Work work) {
  double best = HUGE_VAL;
  for (int i = 0; i < rounds; i++) {
    double begin = now_ns();
    work();
    best = std::min(best, now_ns() - begin);
  }
  return best;
}

void figure(const char *what, double value, const char *unit, double price, double error) {
  std::printf("{\"peer\": \"QuantLib\", \"version\": \"" QL_VERSION "\", \"what\": \"%s\", \"value\": %.9g, \"unit\": \"%s\"", what, value, unit);
  if (price > 0) std::printf(", \"price\": %.12g", price);
  if (error > 0) std::printf(", \"standard_error\": %.6g", error);
  std::puts("}");
  std::fflush(stdout);
}

// A new seed and a new engine each time: QuantLib keeps the result of an instrument whose engine has not changed.
template <typename Make> double time_engine(Instrument &option, int rounds, Make make, double &price, double &error) {
  double ns = best_ns(rounds, [&] {
    option.setPricingEngine(make());
    price = option.NPV();
  });
  try {
    error = option.errorEstimate();
  } catch (const std::exception &) {
    error = 0;
  }
  return ns;
}

void european_mc() {
  const Size paths = 100000;
  auto process = make_process();
  VanillaOption option(ext::make_shared<PlainVanillaPayoff>(Option::Call, strike), ext::make_shared<EuropeanExercise>(today + 90));
  double price, error;
  double ns = time_engine(
      option, 3, [&]() -> ext::shared_ptr<PricingEngine> { return MakeMCEuropeanEngine<PseudoRandom>(process).withSteps(1).withSamples(paths).withSeed(42); },
      price, error);
  figure("european_mc_f64", paths / ns * 1e9, "paths/s", price, error);
}

void asian_252() {
  const Size paths = 2000, steps = 252;
  std::vector<Date> dates;
  for (Size i = 1; i <= steps; i++) dates.push_back(today + Integer(std::lround(i * 360.0 / steps)));
  DiscreteAveragingAsianOption option(Average::Arithmetic, 0.0, 0, dates, ext::make_shared<PlainVanillaPayoff>(Option::Call, strike),
                                      ext::make_shared<EuropeanExercise>(dates.back()));
  auto process = make_process();
  double price, error;
  double ns = time_engine(
      option, 3,
      [&]() -> ext::shared_ptr<PricingEngine> { return MakeMCDiscreteArithmeticAPEngine<PseudoRandom>(process).withSamples(paths).withSeed(42); }, price,
      error);
  figure("asian_252_f64", paths / ns * 1e9, "paths/s", price, error);
}

VanillaOption american_put() {
  return VanillaOption(ext::make_shared<PlainVanillaPayoff>(Option::Put, strike), ext::make_shared<AmericanExercise>(today, today + 360));
}

void lsm() {
  auto process = make_process();
  VanillaOption option = american_put();
  double price, error;
  double ns = time_engine(
      option, 1, [&]() -> ext::shared_ptr<PricingEngine> { return MakeMCAmericanEngine<PseudoRandom>(process).withSteps(50).withSamples(100000).withSeed(42); },
      price, error);
  figure("lsm_50x100k", ns / 1e6, "ms", price, error);
}

void crr() {
  auto process = make_process();
  VanillaOption option = american_put();
  double price, error;
  double ns = time_engine(
      option, 5, [&]() -> ext::shared_ptr<PricingEngine> { return ext::make_shared<BinomialVanillaEngine<CoxRossRubinstein>>(process, 1000); }, price, error);
  figure("crr_1000", ns / 1e6, "ms", price, 0);
}

struct terms {
  Option::Type type;
  Real strike, time, rate, volatility;
};

std::vector<terms> mixed_options() {
  std::vector<terms> options;
  for (int i = 0; i < 1000; i++)
    options.push_back({i % 2 == 0 ? Option::Call : Option::Put, 80.0 + i % 41, 0.1 + (i % 23) * 0.1, 0.01 * (i % 6), 0.1 + 0.02 * (i % 17)});
  return options;
}

void closed_form() {
  auto options = mixed_options();
  double sum = 0;
  double ns = best_ns(20, [&] {
    for (const auto &o : options) {
      Real discount = std::exp(-o.rate * o.time);
      BlackCalculator black(o.type, o.strike, spot / discount, o.volatility * std::sqrt(o.time), discount);
      sum += black.value() + black.delta(spot) + black.gamma(spot) + black.vega(o.time) + black.theta(spot, o.time) + black.rho(o.time);
    }
  });
  if (std::isfinite(sum)) figure("closed_form_greeks", ns / options.size(), "ns/option", 0, 0);
  auto process = make_process();
  VanillaOption option(ext::make_shared<PlainVanillaPayoff>(Option::Call, strike), ext::make_shared<EuropeanExercise>(today + 90));
  option.setPricingEngine(ext::make_shared<AnalyticEuropeanEngine>(process));
  double engine_ns = best_ns(20, [&] {
    for (int i = 0; i < 100; i++) {
      option.recalculate();
      sum += option.NPV() + option.delta() + option.gamma() + option.vega() + option.theta() + option.rho();
    }
  });
  if (std::isfinite(sum)) figure("closed_form_greeks_engine", engine_ns / 100, "ns/option", option.NPV(), 0);
}

void implied_volatility() {
  auto options = mixed_options();
  std::vector<Real> prices;
  for (const auto &o : options) {
    Real discount = std::exp(-o.rate * o.time);
    prices.push_back(blackFormula(o.type, o.strike, spot / discount, o.volatility * std::sqrt(o.time), discount));
  }
  double sum = 0;
  size_t solved = 0;
  double ns = best_ns(5, [&] {
    solved = 0;
    for (size_t i = 0; i < options.size(); i++) {
      const auto &o = options[i];
      Real discount = std::exp(-o.rate * o.time);
      try {
        sum += blackFormulaImpliedStdDev(o.type, o.strike, spot / discount, prices[i], discount, 0.0, Null<Real>(), 1e-12, 100);
        solved++;
      } catch (const std::exception &) { // it does not find each of them; an exception costs as much as it costs
      }
    }
  });
  if (std::isfinite(sum) && solved > options.size() / 2) figure("implied_volatility", ns / options.size(), "ns/option", 0, 0);
}

const struct {
  const char *what;
  void (*run)();
} all[] = {{"european_mc_f64", european_mc}, {"asian_252_f64", asian_252},        {"lsm_50x100k", lsm},
           {"crr_1000", crr},                {"closed_form_greeks", closed_form}, {"implied_volatility", implied_volatility}};

} // namespace

int main(int argc, char **argv) {
  Settings::instance().evaluationDate() = today;
  for (const auto &work : all) {
    bool wanted = true;
    for (int i = 1; i < argc; i++) {
      wanted = std::strcmp(argv[i], work.what) == 0;
      if (wanted) break;
    }
    try {
      if (wanted) work.run();
    } catch (const std::exception &problem) {
      std::fprintf(stderr, "%s: %s\n", work.what, problem.what());
      return 1;
    }
  }
  return 0;
}
