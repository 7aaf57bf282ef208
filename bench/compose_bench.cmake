# What scaling containers costs; runs beside a private engine (scripts/test-docker run).
if(DOCKTOR_TESTS)
  add_executable(compose_bench compose_bench.cc)
  target_link_libraries(compose_bench PRIVATE docktor_bench_support docktor_compose_support)
  add_dependencies(compose_bench docktor)
endif()
