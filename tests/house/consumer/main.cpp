// Writes a matrix and reads it back: what somebody else's program does with latlas.
#include <latlas/core/hash.h>
#include <latlas/core/npy.h>

#include <iostream>

int main(int, char** arguments) {
  latlas::Matrix points(2, 3);
  for (int i = 0; i < 6; ++i) points.data()[i] = static_cast<float>(i);
  latlas::npy::write(arguments[1], points);
  std::cout << latlas::sha256(latlas::npy::read_matrix(arguments[1])) << "\n";
}
