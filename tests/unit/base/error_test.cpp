#include "daemon/base/error.hpp"

#include <gtest/gtest.h>

namespace syncd {
namespace {

using namespace std::chrono_literals;

TEST(Error, SaysWhatWasDoneAndWhyItFailed) {
  const Error error(ErrorKind::Transient, "reading public.users: connection refused");
  EXPECT_STREQ(error.what(), "reading public.users: connection refused");
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_EQ(error.retry_after(), std::nullopt);
}

TEST(Error, KeepsItsKindAndWishWhenContextIsAdded) {
  const Error error = Error(ErrorKind::Permanent, "access refused").with_retry_after(3s);
  const Error outer = error.within("opening cache").within("job users");
  EXPECT_STREQ(outer.what(), "job users: opening cache: access refused");
  EXPECT_EQ(outer.kind(), ErrorKind::Permanent);
  EXPECT_EQ(outer.retry_after(), 3s);
  EXPECT_EQ(error.within("x").retry_after(), 3s);
}

TEST(ErrorKind, HasANameEach) {
  EXPECT_EQ(to_string(ErrorKind::Config), "config");
  EXPECT_EQ(to_string(ErrorKind::Transient), "transient");
  EXPECT_EQ(to_string(ErrorKind::Permanent), "permanent");
  EXPECT_EQ(to_string(ErrorKind::Data), "data");
  EXPECT_EQ(to_string(ErrorKind::Fenced), "fenced");
}

}  // namespace
}  // namespace syncd
