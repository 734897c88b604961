/* Does nvcc work? */
